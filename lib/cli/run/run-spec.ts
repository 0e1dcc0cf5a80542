import { resolve } from 'node:path'
import type { CommandIo } from '../command.js'
import type { Config } from '../config-schema.js'
import { specOf } from '../stack/spec-of.js'
import type { StackSpec } from '../stack/stack-spec.js'
import type { RunSettings } from './run-options.js'

/**
 * The stack of one command: what the command line says goes before what the configuration says. Paths of the one start at the working
 * directory, of the other at its folder.
 */
export function runSpec(io: Pick<CommandIo, 'options' | 'cwd'>, config: Config): StackSpec {
  const said = (name: string): string | undefined => (typeof io.options[name] === 'string' ? (io.options[name] as string) : undefined)
  const { presetBeside, ...configured } = specOf({
    file: resolve(io.cwd, said('config') ?? 'outrigger.config.json'),
    config,
    named: said('config') !== undefined,
  })
  const usd = said('budget')
  const given: StackSpec = {
    preset: said('preset'),
    budget: usd === undefined ? undefined : { ...configured.budget, usd },
    rules: said('policy'),
    ledger: said('ledger'),
    account: said('account'),
    record: said('record'),
  }
  return {
    ...configured,
    ...(presetBeside && given.preset === undefined && { presetBeside }),
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  }
}

/** When a command is stopped that goes on: by the command line, else by the configuration. */
export function stopOf({ options }: Pick<CommandIo, 'options'>, settings: RunSettings, { run = {} }: Config): RunSettings {
  const { stopAfter, graceMs } = run
  return {
    ...settings,
    ...(options['stop-after'] === undefined && stopAfter !== undefined && { stopAfter }),
    ...(options['grace-ms'] === undefined && graceMs !== undefined && { graceMs }),
  }
}
