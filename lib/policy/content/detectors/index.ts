import { secrets } from '../secrets.js'
import { type Detector, isIn } from './detector.js'
import { ipv4, personal } from './personal.js'

/** A word that stands for one detector, or for several. */
export type DetectorWord =
  | 'secrets'
  | 'personal'
  | 'email'
  | 'phone'
  | 'iban'
  | 'card'
  | 'es-dni'
  | 'fr-nir'
  | 'de-steuer-id'
  | 'pl-pesel'
  | 'br-cpf'
  | 'be-rrn'
  | 'ipv4'

/** What each word stands for. */
export const detectors: Readonly<Record<DetectorWord, readonly Detector[]>> = Object.freeze({
  secrets,
  personal,
  ...(Object.fromEntries([...personal, ipv4].map(detector => [detector.name, [detector]])) as unknown as Record<
    Exclude<DetectorWord, 'secrets' | 'personal'>,
    readonly Detector[]
  >),
})

/** Which personal data a text holds, by name; `undefined` where there is none. */
export function personalIn(text: string): string | undefined {
  return personal.find(detector => isIn(detector, text))?.name
}
