import { resolve } from 'node:path'
import { formatUsd } from '../ledger/index.js'
import { type Command, type CommandIo, exitCodes } from './command.js'
import type { AgentReport } from './start/agent-report.js'
import { type JobReport, mainJob } from './start/main-job.js'
import { progressLine } from './start/progress.js'

/** `npm start`: a coordinator and two task workers, on Claude with `ANTHROPIC_API_KEY`, else on a scripted server on loopback. */
export const start: Command = {
  usage: '[--dir DIR]',
  options: { dir: { type: 'string', value: 'DIR', about: 'where the record is written; default: a fresh temporary folder' } },
  args: [0, 0],
  async run(io) {
    const apiKey = io.env.ANTHROPIC_API_KEY || undefined
    const say = io.options.json ? () => {} : (line: string) => void io.stdout.write(`${line}\n`)
    let record = ''
    const job = await mainJob({
      folder: io.cwd,
      dir: typeof io.options.dir === 'string' ? resolve(io.cwd, io.options.dir) : undefined,
      apiKey,
      signal: io.signal,
      onMode: mode => say(modes[mode]),
      onEvent: (agent, event) => {
        const line = progressLine(event)
        if (line !== undefined) say(`  ${agent.padEnd(8)} ${line}`)
      },
      onReply: (question, reply) => say(`\n${question}\n→ ${reply}`),
      onRecord: dir => {
        record = dir
        say('\nverifying every signed record …')
      },
    })
    finish(io, job, record, say)
    return job.record.verdict === 'ok' ? exitCodes.fine : exitCodes.failed
  },
}

const modes: Readonly<Record<JobReport['mode'], string>> = {
  claude: 'On Claude, with ANTHROPIC_API_KEY.',
  scripted: 'No ANTHROPIC_API_KEY: the answers come from a script, on a Messages API server on loopback (@copilotkit/aimock).',
}

function finish(io: CommandIo, job: JobReport, dir: string, say: (line: string) => void): void {
  if (io.options.json) io.stdout.write(`${JSON.stringify(job, null, 2)}\n`)
  for (const agent of job.agents) for (const line of summary(agent)) say(line)
  say('')
  say(`${job.record.records} records: ${job.record.verdict}, up to the last one that each agent remembers`)
  say(`  read them:   npx outrigger ctx log --dir ${dir}`)
  say(`  verify them: npx outrigger ctx verify --allow-unanchored --dir ${dir}`)
  say(`${job.durationMs} ms`)
}

function summary(agent: AgentReport): string[] {
  const { tokenUsage: used, violations } = agent
  const percent = (share: number) => `${Math.round(share * 100)} %`
  return [
    '',
    `${agent.name} (${agent.type}${agent.parent ? `, child of ${agent.parent}` : ''}): ${agent.health}, then ${agent.state}`,
    `  ${agent.calls} calls in ${agent.attempts} attempts, ${used.input + used.cacheRead + used.cacheWrite5m + used.cacheWrite1h} tokens in, ${used.output} out, $${formatUsd(agent.nanoUsd)}`,
    `  ${percent(agent.utilization)} of its time with the model (utilization), ${percent(agent.saturation)} with the model or a tool (saturation)`,
    ...violations.map(({ ruleId, response, details }) => `  ${ruleId}: ${details} → ${response}`),
  ]
}
