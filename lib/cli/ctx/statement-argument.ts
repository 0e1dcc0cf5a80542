import { CtxParseError, CtxUnsupportedError } from '../../core/errors.js'
import { type CommandIo, UsageError } from '../command.js'
import { pointAt } from './point-at.js'

/** A deletion, `-m old`, is no option: no option has white space behind its letter. */
export const isStatement = (text: string): boolean => /^-[kmsta]\s/.test(text)

/** The one statement of a command line, before `--` or behind it. @throws UsageError */
export function statementOf({ args, rest = [] }: CommandIo): string {
  const [statement, ...more] = [...args, ...rest]
  if (statement === undefined)
    throw new UsageError(`one statement is needed, in quotes: '?k auth'; one that looks like an option stands after --`)
  if (more.length > 0) throw new UsageError(`one statement is taken, and here are ${more.length + 1}; put quotes round it: '?k auth'`)
  return statement
}

/**
 * Does something with a statement, and where that finds a fault, says where the fault stands.
 * @param place - where the statement stands, in front of the message: `notes.ctx:3: `
 * @throws UsageError where it is no statement, or the target has nothing for it
 */
export function explained<T>(statement: string, work: () => T, place = ''): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof CtxParseError) throw new UsageError(`${place}${error.message}`, pointAt(statement, error.position))
    if (error instanceof CtxUnsupportedError) throw new UsageError(`${place}${error.message}`)
    throw error
  }
}
