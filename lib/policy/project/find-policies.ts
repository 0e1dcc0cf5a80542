import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The name of a project's file of rules. */
export const policyFileName = 'outrigger.policy.json'

/**
 * Every file of rules from a folder up to the root of its project, the outermost first: all of them hold, so that none in an inner folder takes the place of
 * one further out. The root is the first folder with a `.git`; without one, the root of the disk.
 * @returns absolute paths; empty where there is none
 */
export function findPolicies(from: string): readonly string[] {
  return foldersUp(from)
    .map(folder => join(folder, policyFileName))
    .filter(file => existsSync(file))
    .reverse()
}

function foldersUp(from: string): readonly string[] {
  const parent = dirname(from)
  return parent === from || existsSync(join(from, '.git')) ? [from] : [from, ...foldersUp(parent)]
}
