/** `outrigger/policy`: rules, and judging by them without running anything. */
export { type CommandEffects, commandEffects, type ProgramEffect } from './commands/command-effects.js'
export type { CommandsRuleOptions } from './commands/commands.js'
export type { ContentRuleOptions } from './content/content.js'
export type { RuleOptions } from './define-rule.js'
export type { Detector, Run } from './content/detectors/detector.js'
export { type DetectorWord, detectors } from './content/detectors/index.js'
export type { FetchLimits } from './network/fetch-limits.js'
export type { FilesRuleOptions } from './files/files.js'
export { type GuardrailsInForce, guardrailsInForce, type PolicyInForce, policyInForce, spawnRules } from './in-force.js'
export { type GuardedFiles, type GuardedFilesOptions, guardedFiles, type OpenMode } from './files/guarded-files.js'
export { judge, openJudge } from './judge.js'
export type { NetworkRuleOptions } from './network/network.js'
export { policyDigest } from './policy-digest.js'
export type { OwnRuleOptions } from './rule.js'
export { rules } from './rules.js'
export type { SelfModificationOptions } from './self-modification/self-modification.js'
export type { NamedTools, ToolNames } from './tools/tool-names.js'
export { compareRules, type RuleComparison } from './project/compare-rules.js'
export { findPolicies, policyFileName } from './project/find-policies.js'
export { LivePolicy, openProject, type OpenProjectOptions, type PolicyChange } from './project/live-policy.js'
export { loadPolicy, type LoadPolicyOptions } from './project/load-policy.js'
export type { PolicyFile, PolicyProblem } from './project/parse-policy.js'
export { policySchema, type Schema } from './project/policy-schema.js'
export { type PolicyReader, readOwned } from './project/policy-text.js'
export { projectRules, type ProjectRulesOptions } from './project/project-rules.js'
export { toolDigest, type ToolsRuleOptions } from './tools/tools.js'
export type {
  Broken,
  Checker,
  FileChecker,
  Finding,
  HeldFile,
  Judge,
  Judgement,
  Response,
  Rule,
  Severity,
  Stage,
  Subject,
} from './types.js'
export { responses, severities } from './types.js'
