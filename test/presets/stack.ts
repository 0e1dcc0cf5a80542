import { mkdtempSync, realpathSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSidecar, defineMiddleware, type Host, type Kind, type LayerInput } from 'outrigger'
import { policyInForce } from 'outrigger/policy'

/** A folder of its own, for the record. */
export const folder = (): string => realpathSync(mkdtempSync(join(tmpdir(), 'outrigger-preset-')))

const agent = { name: 'nobody', send: async () => 'nothing' }

/** The chain of one kind as `explain()` prints it, line by line; the dated price table is called `…`. */
export function chainOf(use: readonly LayerInput[], kind: Kind): readonly string[] {
  const text = createSidecar({ agent, use }).explain()
  const lines = text.split(`\n${kind}:\n`)[1]!.split('\n  → ', 1)[0]!.split('\n')
  return lines.map(line => line.trim().replace(/"prices":"[^"]+"/, '"prices":"…"'))
}

/** The digest of the rules that a stack judges by. */
export function policyOf(use: readonly LayerInput[]): string | undefined {
  let host: Host | undefined
  const attach = (given: Host): void => {
    host = given
  }
  const spy = defineMiddleware({ name: 'withSpy', attach }, (_ctx, next) => next())
  createSidecar({ agent, use: [...use, spy] })
  return policyInForce.peek(host!)?.digest
}
