import { specOf } from '../../../lib/cli/stack/spec-of.js'
import type { Config } from '../../../lib/cli/config-schema.js'

const spec = (config: Config, at?: number) =>
  specOf({ file: '/srv/team/outrigger.config.json', config, named: true }, at === undefined ? undefined : config.agents?.[at])

describe('specOf', () => {
  it('is empty where nothing is said', () => {
    expect(spec({})).toEqual({})
    expect(spec({ claude: { timeout: 1 }, agents: [{ name: 'a' }] }, 0)).toEqual({})
  })

  it('has every part, with paths from the folder of the file', () => {
    const config: Config = {
      preset: './preset.mjs',
      budget: { usd: 1 },
      retry: { attempts: 2 },
      signing: { batchMs: 5 },
      policy: 'rules.json',
      record: 'notes',
      account: 'team',
      ledger: 'books.db',
      layers: { withHealth: false },
    }
    expect(spec(config)).toEqual({
      preset: '/srv/team/preset.mjs',
      budget: { usd: 1 },
      retry: { attempts: 2 },
      signing: { batchMs: 5 },
      rules: '/srv/team/rules.json',
      record: '/srv/team/notes',
      account: 'team',
      ledger: 'sqlite:/srv/team/books.db',
      layers: { withHealth: false },
    })
  })

  it.each([
    ['sqlite:books.db', 'sqlite:/srv/team/books.db'],
    ['/var/books.db', 'sqlite:/var/books.db'],
    ['postgres://team@db/books', 'postgres://team@db/books'],
  ])('a ledger %s is %s', (ledger, expected) => {
    expect(spec({ ledger, account: 'a' })).toEqual({ ledger: expected, account: 'a' })
  })

  it('of an agent: its own sections take the place of those above, layers one by one', () => {
    const config: Config = {
      preset: 'mortal',
      budget: { usd: 9, mode: 'soft' },
      retry: { attempts: 2 },
      layers: { withHealth: false, withDeadline: { idleMs: 1 } },
      agents: [{ name: 'a', budget: { usd: 1 }, policy: false, layers: { withDeadline: { totalMs: 2 } } }],
    }
    expect(spec(config, 0)).toEqual({
      preset: 'mortal',
      budget: { usd: 1 },
      retry: { attempts: 2 },
      rules: false,
      layers: { withHealth: false, withDeadline: { totalMs: 2 } },
    })
  })

  it.each([
    ['its own', { ledger: 'b', account: 'team', agents: [{ name: 'a', account: 'own' }] }, 0, 'own'],
    ['that of all', { ledger: 'b', account: 'team', agents: [{ name: 'a' }] }, 0, 'team'],
    ['its name', { ledger: 'b', agents: [{ name: 'a' }] }, 0, 'a'],
    ['the name of the only one', { ledger: 'b', agent: { name: 'solo' } }, undefined, 'solo'],
    ['none without a ledger', { agents: [{ name: 'a' }] }, 0, undefined],
  ] as [string, Config, number | undefined, string | undefined][])('an account is %s', (_what, config, at, account) => {
    expect(spec(config, at).account).toBe(account)
  })

  it('of an agent without a layer: what is said of that layer above is not for it', () => {
    const above: Config = {
      budget: { usd: 9 },
      ledger: 'b',
      record: 'notes',
      signing: { batchMs: 1 },
      retry: { attempts: 2 },
      policy: true,
    }
    const agents = [
      { name: 'a', signing: false as const },
      { name: 'b', layers: { withBudget: false as const, withRetry: false as const, withViolations: false as const } },
    ]
    const { record: _, ...rest } = spec({ ...above, agents: [{ name: 'a' }] }, 0)
    expect(spec({ ...above, agents }, 0)).toEqual({ ...rest, signing: false })
    expect(spec({ ...above, agents }, 1)).toEqual({ record: '/srv/team/notes', signing: { batchMs: 1 }, layers: agents[1]!.layers })
  })

  it('of an agent that makes its own stack is that alone', () => {
    const use = () => []
    expect(spec({ budget: { usd: 1 }, ledger: 'b', account: 'c', agents: [{ name: 'a', use }] }, 0)).toEqual({ use })
  })
})
