import type { Host } from 'outrigger'
import { type LivePolicy, openProject, policyDigest, policyInForce, type PolicyInForce, type Rule, spawnRules } from 'outrigger/policy'
import { checkedRule, type ProjectSettings } from './options.js'

/**
 * The rules that one sidecar is under, live: its own, those that its spawn gave it, those of its project's files, and all that its parent is under. None of them
 * can take another away.
 */
export class RulesInForce implements PolicyInForce {
  readonly #parent: PolicyInForce | undefined
  readonly #fixed: readonly Rule[]
  readonly #project: LivePolicy | undefined
  #of: readonly unknown[] = []
  #rules: readonly Rule[] = []
  #digest: string | undefined

  readonly connect: NonNullable<PolicyInForce['connect']>

  /** @throws ConfigError where a file of rules is missing, cannot be read, or is wrong */
  constructor(host: Host, own: readonly Rule[], project: ProjectSettings | undefined, connect: NonNullable<PolicyInForce['connect']>) {
    this.connect = connect
    this.#parent = host.parent && policyInForce.peek(host.parent)
    this.#fixed = [...own, ...(spawnRules.peek(host)?.map(checkedRule) ?? [])]
    this.#project =
      project &&
      openProject(project.where, {
        clock: host.clock,
        cwd: project.cwd,
        allowLoosening: project.allowLoosening,
        read: project.read,
        hear: change => host.publish({ type: 'policy', ...change, digest: this.#now().digest }),
      })
  }

  /** May they change while the sidecar lives? */
  get mayChange(): boolean {
    return this.#project !== undefined || this.#parent?.mayChange === true
  }

  /** The same list until they change. */
  get rules(): readonly Rule[] {
    return this.#now().rules
  }

  get digest(): string {
    return this.#now().digest
  }

  #now(): { readonly rules: readonly Rule[]; readonly digest: string } {
    const of = [this.#project?.rules, this.#parent?.rules]
    if (this.#digest === undefined || of.some((rules, at) => rules !== this.#of[at])) {
      this.#of = of
      this.#rules = Object.freeze([...new Set([...this.#fixed, ...of.flatMap(rules => rules ?? [])])])
      this.#digest = policyDigest(this.#rules)
    }
    return { rules: this.#rules, digest: this.#digest }
  }
}
