import { spawnSync } from 'node:child_process'
import { ctxCommands } from '../../lib/cli/ctx/commands.js'
import { main } from '../../lib/cli/main.js'
import type { Fence } from './documents.js'

/** A command of a `console` fence, and what the page says that it prints, on both outputs. */
export interface Shown {
  readonly place: string
  readonly command: string
  readonly prints: string
}

/** The commands of a fence: each behind `$ `, with its output below. */
export function shownIn({ document, line, code }: Fence): readonly Shown[] {
  return code
    .split(/^\$ /m)
    .slice(1)
    .map(text => {
      const [command = '', ...prints] = text.split('\n')
      return { place: `${document}:${line}`, command, prints: prints.join('\n') }
    })
}

/** Runs a pipeline in a folder: `actx` in this process, all else in a shell. Gives what it prints, on both outputs. */
export async function printed(command: string, cwd: string): Promise<string> {
  const said: string[] = []
  let input = ''
  const stages = command.match(/(?:'[^']*'|"[^"]*"|[^|'"])+/g)!.map(text => text.trim())
  for (const [at, stage] of stages.entries())
    input = stage.startsWith('actx ')
      ? await actx(stage, input, at < stages.length - 1 ? said : undefined, cwd)
      : shell(stage, input, said, cwd)
  return `${said.join('')}${input}`
}

/** Without another place for it, what is said stands between what is printed, as on a terminal. */
async function actx(stage: string, input: string, said: string[] | undefined, cwd: string): Promise<string> {
  const words = [...stage.matchAll(/'([^']*)'|"([^"]*)"|([^\s'"]+)/g)].map(([, single, double, bare]) => single ?? double ?? bare!)
  const out: string[] = []
  const io = {
    stdout: { write: (text: string) => out.push(text) },
    stderr: { write: (text: string) => (said ?? out).push(text) },
    stdin: async function* () {
      yield Buffer.from(input)
    },
    signal: new AbortController().signal,
    env: {},
    cwd,
  }
  await main(words.slice(1), io, ctxCommands, 'actx')
  return out.join('')
}

function shell(stage: string, input: string, said: string[], cwd: string): string {
  const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' }
  const { stdout, stderr } = spawnSync('sh', ['-c', stage], { cwd, input, env, encoding: 'utf8' })
  said.push(stderr)
  return stdout
}

/** The text without what is another each time: keys, digests, signatures, times and the ids of logs. */
export const withoutChance = (text: string): string =>
  text
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replace(/(?<=[a-z]-)[0-9a-z]{9}(?=\W)/g, 'START')
    .replace(/[\w+/]{43}=/g, 'BASE64')
    .replace(/\b[0-9a-f]{12,64}\b/g, 'HEX')
