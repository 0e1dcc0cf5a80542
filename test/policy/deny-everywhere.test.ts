import { createSidecar, type LayerInput } from 'outrigger'
import { withApproval, withViolations } from 'outrigger/middleware'
import { rules } from 'outrigger/policy'
import { mockModel, VirtualClock } from 'outrigger/testing'
import { failure, layer } from '../core/rig.js'

const no = () => rules.tools({ deny: ['deploy', 'mcp__ops__deploy'] })
const runs: string[] = []
const deploy = (name = 'deploy') => ({ name, run: () => void runs.push(name) })
beforeEach(() => void runs.splice(0))

/** A sidecar whose agent does one thing with its handles. */
function sidecarOf(use: readonly LayerInput[], send: (io: any) => Promise<unknown>) {
  const agent = { name: 'sly', send: async (_: string, io: any) => send(io) }
  const mock = mockModel({ clock: new VirtualClock(), otherwise: () => ({ text: 'ok' }) })
  const options = { agent, use, claude: { upstream: mock.upstream }, clock: new VirtualClock() }
  return createSidecar(options) as { send(message: string): Promise<unknown> }
}

/** Ways round a rule that other agents left open: P20. */
const ways: Readonly<Record<string, { readonly use: () => readonly LayerInput[]; readonly send: (io: any) => Promise<unknown> }>> = {
  'a plain call': { use: () => [withViolations({ rules: [no()] })], send: ({ tool }) => tool(deploy()).run({}) },
  'a second guarded tool of the same name': {
    use: () => [withViolations({ rules: [no()] })],
    send: async ({ tool }) => {
      tool(deploy())
      return tool(deploy()).run({ again: true })
    },
  },
  'a tool that calls a guarded tool': {
    use: () => [withViolations({ rules: [no()] })],
    send: ({ tool }) => tool({ name: 'harmless', run: () => tool(deploy()).run({}) }).run({}),
  },
  'a tool of an MCP server with the same ability': {
    use: () => [withViolations({ rules: [no()] })],
    send: ({ tool }) => tool(deploy('mcp__ops__deploy')).run({}),
  },
  'a name that nobody has listed, under an allow list': {
    use: () => [withViolations({ rules: [rules.tools({ allow: ['read'] })] })],
    send: ({ tool }) => tool(deploy('shipIt')).run({}),
  },
  'a rule that allows it beside the one that denies it': {
    use: () => [withViolations({ rules: [rules.tools({ allow: ['deploy'] }), no(), rules.rule({ id: 'yes', check: () => undefined })] })],
    send: ({ tool }) => tool(deploy()).run({}),
  },
  'somebody who approves everything': {
    use: () => [withApproval({ ask: () => 'approve' }), withViolations({ rules: [no()] })],
    send: ({ tool }) => tool(deploy()).run({}),
  },
  'a layer that turns another call into it': {
    use: () => [
      layer(
        'withHook',
        (ctx, next) => {
          if (ctx.action.kind === 'tool') ctx.rewrite({ ...ctx.action, name: 'deploy' })
          return next()
        },
        { rewrites: true },
      ),
      withViolations({ rules: [no()] }),
    ],
    send: ({ tool }) => tool({ name: 'harmless', run: () => void runs.push('harmless, as deploy') }).run({}),
  },
  'a child without rules of its own': {
    use: () => [withViolations({ rules: [no()] })],
    send: async ({ spawn }) => {
      const kid = { name: 'kid', send: async (_: string, { tool }: any) => tool(deploy()).run({}) }
      return (await spawn({ name: 'kid', type: 'mortal', agent: kid, use: [] })).send('go')
    },
  },
  'a child with milder rules': {
    use: () => [withViolations({ rules: [no()] })],
    send: async ({ spawn }) => {
      const kid = { name: 'kid', send: async (_: string, { tool }: any) => tool(deploy()).run({}) }
      const use = [withViolations({ rules: [rules.tools({ allow: ['deploy'] })], shadow: true })]
      return (await spawn({ name: 'kid', type: 'mortal', agent: kid, use })).send('go')
    },
  },
  'an agent that swallows the first refusal and asks again': {
    use: () => [withViolations({ rules: [no()] })],
    send: async ({ tool }) => {
      await tool(deploy())
        .run({})
        .catch(() => {})
      return tool(deploy()).run({})
    },
  },
  'a declaration to the API, which would run it': {
    use: () => [withViolations({ rules: [no()] })],
    send: ({ claude }) =>
      claude.beta.messages.create({
        model: 'claude-haiku-4-5',
        max_tokens: 10,
        messages: [{ role: 'user', content: 'go' }],
        mcp_servers: [{ type: 'url', url: 'https://ops.example.com', name: 'ops' }],
      }),
  },
}

describe('a tool that is denied', () => {
  it.each(Object.entries(ways).map(([way, { use, send }]) => [way, use, send] as const))(
    'does not run by %s (P20)',
    async (_, use, send) => {
      const error = await failure(sidecarOf(use(), send).send('go'))
      expect(error).toMatchObject({ code: 'ERR_VIOLATION', ruleId: 'tools' })
      expect(runs).toEqual([])
    },
  )

  it('does not run by a layer inside that rewrites: such a stack is refused', () => {
    const hook = layer('withHook', undefined, { rewrites: true })
    expect(() => sidecarOf([withViolations({ rules: [no()] }), hook], async () => {})).toThrow(/put withHook before withViolations/)
  })
})
