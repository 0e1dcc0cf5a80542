import { formatUsd } from '../ledger/index.js'
import { type Command, type CommandIo, exitCodes } from './command.js'
import { type AgentReport, type JobReport, mainJob } from './start/main-job.js'
import { progressLine } from './start/progress.js'

/** `npm start`: one governed agent with two tools, on Claude with `ANTHROPIC_API_KEY`, else on a scripted server on loopback. */
export const start: Command = {
  usage: '',
  options: {},
  args: [0, 0],
  async run(io) {
    const apiKey = io.env.ANTHROPIC_API_KEY || undefined
    const say = io.options.json ? () => {} : (line: string) => void io.stdout.write(`${line}\n`)
    const job = await mainJob({
      folder: io.cwd,
      apiKey,
      signal: io.signal,
      onMode: mode => say(modes[mode]),
      onEvent: event => {
        const line = progressLine(event)
        if (line !== undefined) say(line)
      },
      onReply: (question, reply) => say(`  ${question}\n  → ${reply}`),
    })
    finish(io, job, say)
    return exitCodes.fine
  },
}

const modes: Readonly<Record<JobReport['mode'], string>> = {
  claude: 'On Claude, with ANTHROPIC_API_KEY.',
  scripted: 'No ANTHROPIC_API_KEY: the answers come from a script, on a Messages API server on loopback (@copilotkit/aimock).',
}

function finish(io: CommandIo, job: JobReport, say: (line: string) => void): void {
  if (io.options.json) io.stdout.write(`${JSON.stringify(job, null, 2)}\n`)
  for (const agent of job.agents) for (const line of summary(agent)) say(line)
  say('')
  say(`${job.durationMs} ms; no record was signed: no layer of this version keeps one`)
}

function summary(agent: AgentReport): string[] {
  const { tokenUsage: used } = agent
  const percent = (share: number) => `${Math.round(share * 100)} %`
  return [
    '',
    `${agent.name} (${agent.type}): ${agent.health === 'budgetExceeded' ? 'stopped by its budget' : agent.health}, then ${agent.state}`,
    `  ${agent.calls} calls in ${agent.attempts} attempts, ${used.input + used.cacheRead + used.cacheWrite5m + used.cacheWrite1h} tokens in, ${used.output} out, $${formatUsd(agent.nanoUsd)}`,
    `  utilization ${percent(agent.utilization)}, saturation ${percent(agent.saturation)}, ${agent.violations.length} violations`,
  ]
}
