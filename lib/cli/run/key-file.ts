import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { keepForItself } from '../../core/own-files.js'
import { forbidden, readTrustedFile } from '../../ctx/keys/key-file.js'
import { UsageError } from '../command.js'
import { checkedKey } from './checked-key.js'

/** Longer than any key, and than the tokens that gateways give. */
const mostBytes = 8_192

/**
 * The key in a file that its owner alone can read (0600). From then on rules keep the agent away from that file.
 * @throws UsageError that says the fix, and never what is in the file
 */
export function keyInFile(file: string, cwd: string): string {
  const path = resolve(cwd, file)
  if (!existsSync(path)) throw new UsageError(`there is no key file ${file}; correct --key-file`)
  keepForItself(path)
  return checkedKey(textOf(path), `--key-file ${file}`)
}

function textOf(path: string): string {
  try {
    return readTrustedFile(path, forbidden.everything, 'follow', mostBytes)
  } catch (error) {
    throw new UsageError(`--key-file: ${(error as Error).message}`)
  }
}
