import { writeFileSync } from 'node:fs'
import type { CommandIo } from '../command.js'
import type { RunSettings } from './run-options.js'
import { type RunSummary, summaryLines } from './summary.js'

/** Tells the summary: on stderr, for a person or as one line of JSON, and in the file that was named. A file that cannot be written does not change the exit code. */
export function report({ stderr, options }: CommandIo, { summaryFile }: RunSettings, summary: RunSummary): void {
  if (options.json) stderr.write(`${JSON.stringify(summary)}\n`)
  else for (const line of summaryLines(summary)) stderr.write(`${line}\n`)
  if (summaryFile === undefined) return
  try {
    writeFileSync(summaryFile, `${JSON.stringify(summary, null, 2)}\n`)
  } catch (error) {
    stderr.write(`outrigger: the summary could not be written (${(error as NodeJS.ErrnoException).code})\n`)
  }
}
