import { digitsOf, luhn, mod97 } from './check-digits.js'
import { type Detector, run } from './detector.js'
import { ibanLengths } from './iban-lengths.js'
import { nationalIds } from './national-ids.js'

const all = (candidate: string, holds: boolean): number => (holds ? candidate.length : 0)

/** RFC 5321 in ASCII, without quoted names and addresses in brackets. */
const email: Detector = {
  name: 'email',
  shapes: [
    /(?<![\w%+-])[A-Za-z0-9_%+-](?:[\w.%+-]{0,62}[\w%+-])?@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9-])/g,
  ],
  counted: candidate => all(candidate, !noAddress.test(candidate)),
  run: run(/[\w.%+@-]/, /[\w%+-]/),
}

// The remote of a repository, and the image for a display of twice the density.
const noAddress = /^git@|@[1-9]x\.(?:png|jpe?g|gif|svg|webp|avif)$/i

/** In the international form of E.164 with a plus, or as North America writes it. */
const phone: Detector = {
  name: 'phone',
  shapes: [
    /(?<![\w+])\+[1-9]\d{0,2}[ ./-]?\(?\d{1,5}\)?(?:[ ./-]?\d{2,12}){1,6}|(?<![\w+]|\d[.-])(?:1[ .-])?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[-.])[2-9]\d{2}[-.]\d{4}(?![\w-]|\.\d)/g,
  ],
  counted: candidate => {
    const { length } = digitsOf(candidate)
    return all(candidate, length >= 8 && length <= 15)
  },
  run: run(/[\d+() ./-]/, /[\d+(]/),
}

const iban: Detector = {
  name: 'iban',
  shapes: [/(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?(?![A-Za-z0-9])/g],
  counted: ibanLength,
  run: run(/[A-Z0-9 -]/, /[A-Z]/),
}

/** What follows may look like another group of it: its country says where it ends. */
function ibanLength(candidate: string): number {
  const plain = candidate.replace(/[ -]/g, '')
  const length = ibanLengths.get(plain.slice(0, 2))
  if (length === undefined || plain.length < length) return 0
  if (mod97(plain.slice(4, length) + plain.slice(0, 4)) !== 1) return 0
  const end = placeOf(candidate, length)
  return /^[A-Z0-9]/.test(candidate.slice(end)) ? 0 : end
}

/** Behind how many characters of the text lie `count` that are no separators? */
function placeOf(text: string, count: number): number {
  let at = 0
  for (let seen = 0; seen < count; at++) if (!' -'.includes(text[at]!)) seen++
  return at
}

/** The numbers that the large networks give out, by their first digits and lengths; the last digit checks them all. */
const networks =
  /^(?:4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|35(?:2[89]|[3-8]\d)\d{12}|6(?:011|4[4-9]\d|5\d\d)\d{12}|62\d{14,17})$/

const card: Detector = {
  name: 'card',
  shapes: [
    /(?<!\w|\d\.)\d{4}([ -])\d{4}\1\d{4}\1\d{4}(?![\w]|\.\d)/g,
    /(?<!\w|\d\.)\d{4}([ -])\d{4}\1\d{4}\1\d{4}\1\d{3}(?![\w]|\.\d)/g,
    /(?<!\w|\d\.)\d{4}([ -])\d{6}\1\d{4,5}(?![\w]|\.\d)/g,
    /(?<!\w|\d\.)\d{13,19}(?![\w]|\.\d)/g,
  ],
  counted: candidate => {
    const digits = candidate.replace(/\D/g, '')
    return all(candidate, networks.test(digits) && luhn(digitsOf(digits)))
  },
  run: run(/[\d .-]/, /\d/),
}

/** What says who somebody is, or reaches them, or pays for them. */
export const personal: readonly Detector[] = Object.freeze([email, phone, iban, card, ...nationalIds])

/** An address says where somebody is; as often it says which server is meant, so it is none of `personal`. */
export const ipv4: Detector = {
  name: 'ipv4',
  shapes: [/(?<![\w.])(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?![\w]|\.\w)/g],
  run: run(/[\w.]/, /\d/),
}
