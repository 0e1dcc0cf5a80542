import type { OptionValues } from '../../../lib/cli/command.js'
import type { Config } from '../../../lib/cli/config-schema.js'
import { runSpec, stopOf } from '../../../lib/cli/run/run-spec.js'

const spec = (options: OptionValues, config: Config = {}) => runSpec({ options, cwd: '/work' }, config)

const config: Config = {
  preset: 'mortal',
  budget: { usd: 9, mode: 'soft' },
  retry: { attempts: 2 },
  signing: { batchMs: 5 },
  policy: 'rules.json',
  record: 'notes',
  ledger: 'books.db',
  account: 'team',
  layers: { withHealth: false },
}

describe('runSpec', () => {
  it('is empty where nothing is said', () => {
    expect(spec({})).toEqual({})
  })

  it('is all that the configuration says', () => {
    expect(spec({}, config)).toEqual({
      preset: 'mortal',
      presetBeside: true,
      budget: { usd: 9, mode: 'soft' },
      retry: { attempts: 2 },
      signing: { batchMs: 5 },
      rules: '/work/rules.json',
      record: '/work/notes',
      ledger: 'sqlite:/work/books.db',
      account: 'team',
      layers: { withHealth: false },
    })
  })

  it('has what the command line says in its place', () => {
    const options = { preset: 'jake', budget: '2', policy: 'p.json', ledger: 'b.db', account: 'mine', record: 'r' }
    expect(spec(options, config)).toEqual({
      preset: 'jake',
      budget: { usd: '2', mode: 'soft' },
      retry: { attempts: 2 },
      signing: { batchMs: 5 },
      rules: 'p.json',
      record: 'r',
      ledger: 'b.db',
      account: 'mine',
      layers: { withHealth: false },
    })
  })

  it('takes the preset of a configuration that was named for the user’s word', () => {
    expect(spec({ config: 'outrigger.config.json' }, { preset: 'mortal' })).toEqual({ preset: 'mortal' })
  })

  it('has the paths of a configuration elsewhere from its folder', () => {
    expect(spec({ config: 'conf/team.json' }, { record: 'notes' })).toEqual({ record: '/work/conf/notes' })
  })
})

describe('stopOf', () => {
  const settings = { command: ['ls'], name: 'ls', stopAfter: 3, graceMs: 10_000, summaryFile: undefined } as const

  it.each([
    ['neither says anything', {}, {}, [3, 10_000]],
    ['the configuration says it', {}, { run: { stopAfter: 0, graceMs: 7 } }, [0, 7]],
    ['both say it', { 'stop-after': '3', 'grace-ms': '10000' }, { run: { stopAfter: 0, graceMs: 7 } }, [3, 10_000]],
    ['each says a part', { 'stop-after': '3' }, { run: { stopAfter: 0, graceMs: 7 } }, [3, 7]],
  ] as [string, OptionValues, Config, readonly number[]][])('where %s', (_what, options, given, expected) => {
    const { stopAfter, graceMs } = stopOf({ options }, settings, given)
    expect([stopAfter, graceMs]).toEqual(expected)
  })
})
