import type { CTXFilterType } from '../../language/ast.js'
import type { CTXDecoratorName, CTXVerb } from '../../language/grammar.js'

/** How a sentence begins, for every pair of operator and plane. No beginning continues another one in a way that a sentence could. */
export const heads: Readonly<Record<string, string>> = {
  '?k': 'Searched knowledge',
  '?t': 'Searched tools',
  '?s': 'Searched skills',
  '?m': 'Searched memory',
  '?a': 'Searched agents',
  '?i': 'Searched inspections',
  '?l': 'Searched models',
  '!k': 'Looked up knowledge',
  '!t': 'Looked up tool',
  '!s': 'Looked up skill',
  '!m': 'Looked up memory',
  '!a': 'Looked up agent',
  '!i': 'Looked up inspection',
  '>t': 'Called tool',
  '>s': 'Used skill',
  '>l': 'Asked a model',
  '+k': 'Added knowledge',
  '+t': 'Added tool',
  '+s': 'Added skill',
  '+m': 'Stored',
  '+a': 'Added agent',
  '+i': 'Added inspection',
  '~k': 'Updated knowledge',
  '~t': 'Updated tool',
  '~s': 'Updated skill',
  '~m': 'Updated memory',
  '-k': 'Deleted knowledge',
  '-t': 'Deleted tool',
  '-s': 'Deleted skill',
  '-m': 'Deleted memory',
  '-a': 'Dismissed agent',
  '^a': 'Delegated to agent',
}

/** What a verb makes of a store: the beginning for memory. For tools and inspections, the plane follows. */
export const storedVerbs: Readonly<Record<CTXVerb, string>> = {
  clarify: 'Asked for clarification',
  escalate: 'Escalated',
  partial: 'Reported partial work',
  handoff: 'Handed over',
  check: 'Checked',
  edge: 'Noted an edge case',
  cross_ref: 'Cross-referenced',
  pattern: 'Noted a pattern',
  scope: 'Set the scope',
  apply: 'Applied',
  context: 'Noted the context',
  task: 'Set the task',
  exit: 'Finished',
  example: 'Gave an example',
  chat: 'Discussed',
  complete: 'Completed',
  embed: 'Embedded',
}

/** Instead of the above where a verb says what a model is for: the target is the model's name then. */
export const modelHeads: Readonly<Record<string, string>> = { '>l': 'Called model', '?l': 'Searched models' }

/** What a model is asked for; it follows the target. */
export const modelVerbs: Readonly<Record<CTXVerb, string>> = {
  clarify: 'clarification',
  escalate: 'escalation',
  partial: 'partial work',
  handoff: 'a handover',
  check: 'a check',
  edge: 'an edge case',
  cross_ref: 'a cross-reference',
  pattern: 'a pattern',
  scope: 'the scope',
  apply: 'application',
  context: 'context',
  task: 'a task',
  exit: 'an ending',
  example: 'an example',
  chat: 'chat',
  complete: 'completion',
  embed: 'embedding',
}

/** After the beginning of a statement about a plane other than memory. */
export const verbPlanes: Readonly<Record<string, string>> = { m: '', t: ' on tools', i: ' on inspections' }

/** How each decorator reads. */
export const decoratorWords: Readonly<Record<CTXDecoratorName, string>> = {
  similar: 'by similarity',
  relate: 'by relation',
  traverse: 'by traversal',
  changes: 'by change',
  promote: 'by promotion',
  grounded: 'by grounding',
  decay: 'by decay',
}

/** How each filter begins. */
export const filterWords: Readonly<Record<CTXFilterType, string>> = {
  tag: 'tagged',
  time: 'from',
  limit: 'at most',
  depth: 'to depth',
  project: 'in project',
  format: 'as',
}

/** Tags that are written as a word without quotes; every other tag is quoted. One word each, no word twice. */
export const tagWords: ReadonlyMap<string, string> = new Map([
  ['arch', 'architecture'],
  ['ci', 'build'],
  ['code', 'code'],
  ['decision', 'decision'],
  ['deny', 'deny'],
  ['design', 'design'],
  ['done', 'done'],
  ['env', 'environment'],
  ['ephemeral', 'ephemeral'],
  ['fact', 'fact'],
  ['global', 'global'],
  ['lesson', 'lesson'],
  ['my', 'own'],
  ['notifyParent', 'parent-notified'],
  ['org', 'organisation'],
  ['p0', 'top-priority'],
  ['p1', 'high-priority'],
  ['pause', 'pause'],
  ['plan', 'plan'],
  ['question', 'question'],
  ['reap', 'reap'],
  ['security', 'security'],
  ['shadow', 'shadow'],
  ['task', 'task'],
  ['team', 'team'],
  ['todo', 'to-do'],
  ['violation', 'violation'],
  ['warn', 'warn'],
  ['wip', 'unfinished'],
])

/** Targets in memory that are written as a word without quotes, with the tags in front of them. */
export const nouns: ReadonlySet<string> = new Set([
  'decision',
  'example',
  'fact',
  'lesson',
  'note',
  'pattern',
  'plan',
  'preference',
  'question',
  'task',
])

/** The units of a span of time. */
export const unitWords: Readonly<Record<string, string>> = {
  s: 'second',
  m: 'minute',
  h: 'hour',
  d: 'day',
  w: 'week',
  M: 'month',
  y: 'year',
}
