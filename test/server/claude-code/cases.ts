import { deepStrictEqual, match, ok, strictEqual } from 'node:assert/strict'
import { type Aimock, type AimockAnswer, startAimock } from '../../support/aimock.js'
import { startServer } from '../../support/messages-server.js'
import { script } from '../../support/script.js'
import { type Given, governed } from './governed.js'
import type { Scratch } from './session.js'

/** One thing that is to hold of Claude Code under `outrigger run`. */
export interface Case {
  readonly name: string
  /** Rejects when it does not hold. `program`: the folder of ours, compiled. */
  holds(program: string, scratch: Scratch): Promise<void>
}

const bash = (command: string) => ({ name: 'Bash', input: { command, description: 'a step' } })

async function withAimock<T>(answers: readonly AimockAnswer[], use: (aimock: Aimock) => Promise<T>): Promise<T> {
  const aimock = await startAimock(answers)
  try {
    return await use(aimock)
  } finally {
    await aimock.close()
  }
}

/** Every session against aimock: how it ended, and what upstream saw. */
const session = (answers: readonly AimockAnswer[], program: string, scratch: Scratch, more: Partial<Given> = {}) =>
  withAimock(answers, async aimock => {
    const ended = await governed(program, scratch, { upstream: aimock.url, ...more })
    return { ...ended, asked: aimock.asked }
  })

export const cases: readonly Case[] = [
  {
    name: 'print mode prints what the model says, and ends with 0',
    async holds(program, scratch) {
      const { code, stdout, asked } = await session([{ text: 'The scripted words.' }], program, scratch)
      deepStrictEqual({ code, stdout: stdout.trim(), requests: asked.length }, { code: 0, stdout: 'The scripted words.', requests: 1 })
    },
  },
  {
    name: 'an allowed tool runs, and its output goes back to the model',
    async holds(program, scratch) {
      const answers = [{ tool: bash('echo "out of $((40 + 2))" | tee allowed') }, { text: 'Done.' }]
      const { code, stdout, asked } = await session(answers, program, scratch)
      deepStrictEqual({ code, stdout: stdout.trim(), ran: scratch.read('allowed').trim() }, { code: 0, stdout: 'Done.', ran: 'out of 42' })
      match(asked[1]!, /out of 42/)
    },
  },
  {
    name: 'a denied tool does not run, and the session says why',
    async holds(program, scratch) {
      const { code, stdout } = await session([{ tool: bash('touch denied') }, { text: 'Done.' }], program, scratch)
      deepStrictEqual({ code, ran: scratch.has('denied') }, { code: 0, ran: false })
      match(stdout, /The call of Bash was refused/)
    },
  },
  {
    name: 'a denied tool does not run as a second attempt, after one that was allowed',
    async holds(program, scratch) {
      const answers = [{ tool: bash('echo first > allowed') }, { tool: bash('sh -c "touch denied"') }, { text: 'Done.' }]
      const { code, stdout } = await session(answers, program, scratch)
      deepStrictEqual({ code, first: scratch.read('allowed'), ran: scratch.has('denied') }, { code: 0, first: 'first\n', ran: false })
      match(stdout, /The call of Bash was refused/)
    },
  },
  {
    name: 'of two tools in one message, the denied one does not run and the allowed one does; the model hears of both',
    async holds(program, scratch) {
      const answers = [{ tool: [bash('touch denied'), bash('echo beside > allowed')] }, { text: 'Done.' }]
      const { code, stdout, asked } = await session(answers, program, scratch)
      deepStrictEqual(
        { code, stdout: stdout.trim(), beside: scratch.read('allowed'), ran: scratch.has('denied') },
        { code: 0, stdout: 'Done.', beside: 'beside\n', ran: false },
      )
      match(asked[1]!, /The call of Bash was refused/)
    },
  },
  {
    name: 'a denied tool does not run in an answer that Claude Code asked for anew without a stream',
    async holds(program, scratch) {
      const upstream = await startServer(asked =>
        asked.body.stream === true ? script.sseError(4, 'api_error')(asked) : script.tool('Bash', bash('touch denied').input)(asked),
      )
      try {
        const { code, stdout } = await governed(program, scratch, { upstream: upstream.url })
        const whole = upstream.requests.filter(({ bodyText }) => bodyText !== '' && !/"stream":true/.test(bodyText)).length
        deepStrictEqual({ code, ran: scratch.has('denied'), whole: whole > 0 }, { code: 0, ran: false, whole: true })
        match(stdout, /The call of Bash was refused/)
      } finally {
        await upstream.close()
      }
    },
  },
  {
    name: 'a budget that is spent stops it, and it shows why',
    async holds(program, scratch) {
      const usage = { input_tokens: 10_000, output_tokens: 40_000 }
      const answers = [{ tool: bash('echo spent > allowed'), usage }, { text: 'More.' }]
      const { code, stdout, stderr, asked } = await session(answers, program, scratch, { budget: '0.6' })
      deepStrictEqual({ code, first: scratch.read('allowed'), requests: asked.length }, { code: 125, first: 'spent\n', requests: 1 })
      match(stdout + stderr, /402.*budget/i)
    },
  },
  {
    name: 'an overloaded API is asked again by the companion, and Claude Code does not notice',
    async holds(program, scratch) {
      const { code, stdout, asked } = await session([{ status: 529 }, { text: 'After all.' }], program, scratch)
      deepStrictEqual({ code, stdout: stdout.trim(), requests: asked.length }, { code: 0, stdout: 'After all.', requests: 2 })
    },
  },
  {
    name: 'an API that stays overloaded is shown as that, and asked no more often than the companion asks',
    async holds(program, scratch) {
      const { code, stdout, asked } = await session(Array(20).fill({ status: 529 }), program, scratch)
      strictEqual(code, 1)
      match(stdout, /529|overloaded/i)
      ok(asked.length <= 4, `${asked.length} requests`)
    },
  },
  {
    name: 'the key is upstream alone: no process that it starts finds it in an environment or a command line',
    async holds(program, scratch) {
      // As a program: a command that names these files is refused as an attack on the sidecar.
      scratch.write('look', 'env > seen; for f in /proc/[0-9]*/environ /proc/[0-9]*/cmdline; do cat "$f"; done >> seen 2>/dev/null')
      const upstream = await startServer([script.tool('Bash', bash('sh look').input), script.text('Done.')])
      try {
        const { code, stdout } = await governed(program, scratch, { upstream: upstream.url, deny: [] })
        const seen = scratch.read('seen')
        strictEqual(code, 0, stdout)
        match(seen, /ANTHROPIC_BASE_URL/)
        ok(!seen.includes(scratch.key), 'the key is in an environment or a command line')
        deepStrictEqual([...upstream.credentials()], [`Bearer ${scratch.key}`])
      } finally {
        await upstream.close()
      }
    },
  },
  {
    name: 'a denied tool whose call did not come by the companion is stopped by the hook, and the model hears why',
    holds: (program, scratch) =>
      withAimock([{ tool: bash('touch ran') }, { text: 'Done.' }], async other => {
        // It is Claude Code that is started, and its requests go round the companion all the same.
        const wrapper = `ANTHROPIC_BASE_URL=${other.url} exec "$CLAUDE" "$@"`
        const { stdout, asked } = await session([], program, scratch, { wrapper })
        deepStrictEqual(
          { stdout: stdout.trim(), ran: scratch.has('ran'), here: asked.length, there: other.asked.length },
          { stdout: 'Done.', ran: false, here: 0, there: 2 },
        )
        match(other.asked[1]!, /refused by rule commands/)
      }),
  },
  ...elsewhere(),
  {
    name: 'settings that it writes in its session do not move it',
    holds: (program, scratch) =>
      withAimock([{ text: 'From elsewhere.' }], async other => {
        const settings = JSON.stringify({ env: { ANTHROPIC_BASE_URL: other.url } })
        scratch.write(
          'move',
          `mkdir -p .claude && echo '${settings}' > .claude/settings.json && cp .claude/settings.json "$HOME/.claude/"; sleep 2`,
        )
        const answers = [{ tool: bash('sh move') }, { tool: bash('echo still > allowed') }, { text: 'From the companion.' }]
        const { code, stdout } = await session(answers, program, scratch, { deny: [] })
        deepStrictEqual(
          { code, stdout: stdout.trim(), moved: scratch.has('.claude/settings.json'), still: scratch.read('allowed') },
          { code: 0, stdout: 'From the companion.', moved: true, still: 'still\n' },
        )
        strictEqual(other.requests().length, 0, 'its requests went elsewhere')
      }),
  },
]

/** Settings of a project that would take it elsewhere. */
function elsewhere(): Case[] {
  const ways: Readonly<Record<string, (url: string) => Readonly<Record<string, string>>>> = {
    'a base URL': url => ({ ANTHROPIC_BASE_URL: url }),
    'a base URL that says nobody manages it': url => ({ CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST: '', ANTHROPIC_BASE_URL: url }),
    Bedrock: url => ({
      CLAUDE_CODE_USE_BEDROCK: '1',
      AWS_REGION: 'us-east-1',
      AWS_BEARER_TOKEN_BEDROCK: 'x',
      ANTHROPIC_BEDROCK_BASE_URL: url,
    }),
    'a proxy': url => ({ HTTP_PROXY: url, http_proxy: url, HTTPS_PROXY: url, NO_PROXY: 'none' }),
    'credentials of its own': () => ({ ANTHROPIC_API_KEY: 'other', ANTHROPIC_AUTH_TOKEN: 'another' }),
  }
  return Object.entries(ways).map(([what, env]) => ({
    name: `the settings of a project do not move it: ${what}`,
    async holds(program, scratch) {
      await withAimock([{ text: 'From elsewhere.' }], async other => {
        scratch.write('.claude/settings.json', JSON.stringify({ env: env(other.url) }))
        const { code, stdout, stderr } = await session([{ text: 'From the companion.' }], program, scratch)
        strictEqual(other.requests().length, 0, 'its requests went elsewhere')
        // It goes on as if they were not there, or is not started with them at all.
        if (code === 0) strictEqual(stdout.trim(), 'From the companion.')
        else match(`${code}: ${stderr}`, /^2: .*settings/)
      })
    },
  }))
}
