/** `outrigger/policy`: rules, and judging by them without running anything. */
export { type PolicyInForce, policyInForce, spawnRules } from './in-force.js'
export type { Broken, Checker, Finding, Judge, Judgement, Response, Rule, Severity, Stage, Subject } from './types.js'
