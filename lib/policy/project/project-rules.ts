import { resolve } from 'node:path'
import { ConfigError } from '../../core/errors.js'
import { findPolicies, policyFileName } from './find-policies.js'
import { parsePolicy, type PolicyFile, refused } from './parse-policy.js'
import { type PolicyReader, readOwned } from './policy-text.js'

/** Options of {@link projectRules}. */
export interface ProjectRulesOptions {
  /** Where a relative path starts, and the search. Default: the working directory of the process. */
  readonly cwd?: string
  /** Reads a file. Default: from the disk, where nobody but its owner can have written it. */
  readonly read?: PolicyReader
}

/**
 * The files of rules that a project is under, read and checked.
 * @param where - a path; or `true`: every `outrigger.policy.json` from the working directory up to the root of the project
 * @throws ConfigError where there is none, or one cannot be read, or is wrong: with file, line and column
 */
export function projectRules(where: string | true, options: ProjectRulesOptions = {}): readonly PolicyFile[] {
  const { read = readOwned } = options
  return projectFiles(where, options.cwd).map(path => parsePolicy(path, textOf(path, read)))
}

/** The paths of those files. @throws ConfigError where there is none */
export function projectFiles(where: string | true, cwd: string = process.cwd()): readonly string[] {
  if (where !== true) return [resolve(cwd, where)]
  const found = findPolicies(resolve(cwd))
  if (found.length === 0)
    throw new ConfigError(`there is no ${policyFileName} in ${cwd}, or above it in its project; make one, or leave project out`)
  return found
}

/** The text of a file. @throws ConfigError that says why it cannot be read */
export function textOf(path: string, read: PolicyReader): string {
  try {
    return read(path)
  } catch (error) {
    const { code, message } = error as { readonly code?: string; readonly message?: string }
    throw refused(path, [
      { pointer: '', message: `cannot be used: ${code === undefined ? message : code === 'ENOENT' ? 'there is no such file' : code}` },
    ])
  }
}
