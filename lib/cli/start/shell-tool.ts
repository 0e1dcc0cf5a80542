import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { ClaudeTool } from '../../claude/agent.js'

const run = promisify(execFile)

/** A shell in one folder. It runs what it is given: the rules in front of it say what that may be. */
export function shellTool(folder: string): ClaudeTool {
  return {
    name: 'Bash',
    description: 'Runs a shell command in the folder of the pages.',
    input_schema: { type: 'object', properties: { command: { type: 'string' } }, required: ['command'] },
    run: async ({ command }: { readonly command: string }, context?: { readonly signal?: AbortSignal }) => {
      const { stdout } = await run('sh', ['-c', command], { cwd: folder, timeout: 10_000, maxBuffer: 65_536, signal: context?.signal })
      return stdout
    },
  }
}
