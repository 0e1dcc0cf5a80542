import { CtxParseError } from '../../core/errors.js'
import { limits } from './grammar.js'

/** @throws CtxParseError `INPUT_TOO_LARGE` */
export function tooLarge(bytes: number): never {
  const expected = `at most ${limits.mostBytes} bytes`
  throw new CtxParseError({ reason: 'INPUT_TOO_LARGE', position: limits.mostBytes, found: `${bytes} bytes`, expected })
}
