import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { findCompanions } from '../../server/companion-file.js'
import { type CommandIo, UsageError } from '../command.js'
import { folderOf } from '../ctx/dir.js'
import type { Source } from './view.js'

/** Which companions are meant: the one of `--url`, or all that run on a record folder, asked anew at each call. @throws UsageError */
export function sourcesOf(io: CommandIo): () => readonly Source[] {
  const { url, 'token-file': tokenFile, dir } = io.options
  if (url === undefined && tokenFile === undefined) return () => found(folderOf(io).dir)
  if (url === undefined) throw new UsageError('--token-file is for --url; say --url=URL too')
  if (tokenFile === undefined) throw new UsageError('--url needs the token of that companion; say --token-file=FILE')
  if (dir !== undefined) throw new UsageError('--dir finds companions by itself; leave out --url and --token-file, or --dir')
  const source = { baseURL: originOf(String(url)), token: tokenIn(io.cwd, String(tokenFile)), pid: null, command: null, startedAt: null }
  return () => [source]
}

function found(dir: string): readonly Source[] {
  return findCompanions(dir).map(({ baseURL, watchToken, adminToken, pid, command = null, startedAt }) => ({
    baseURL,
    token: adminToken ?? watchToken,
    pid,
    command,
    startedAt,
  }))
}

function originOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
    throw new UsageError('--url must be the address of a companion, as in http://127.0.0.1:4141')
  return url.origin
}

function tokenIn(cwd: string, path: string): string {
  const token = readText(resolve(cwd, path)).trim()
  if (!/^[\x21-\x7e]+$/.test(token)) throw new UsageError('the file of --token-file must hold a token and nothing else')
  return token
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new UsageError(`--token-file cannot be read: ${(error as NodeJS.ErrnoException).code}`)
  }
}
