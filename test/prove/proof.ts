import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** The groups that `--only` takes; a proof stands in the folder of its group. */
export const groups = ['core', 'ctx', 'ledger', 'server', 'policy', 'fleet'] as const

/** What a run of a proof came to. */
export interface Tally {
  readonly tried: number
  readonly failed: number
}

/** A long check with a size: small within `npm test`, full under `npm run prove`. */
export interface Proof {
  readonly group: (typeof groups)[number]
  /** What is proved, as a short sentence. */
  readonly name: string
  /** The size under `npm run prove`. */
  readonly full: number
  /** The size within `npm test`: seconds at most. 0 where it needs what is installed by `npm run prove` only: it is shown as skipped. */
  readonly small: number
  /** Tries `n` cases made from `seed`; the same seed tries the same cases. A case that fails is counted, and said on stderr. */
  run(size: { readonly n: number; readonly seed: number }): Promise<Tally>
}

/** Every proof below this folder: each file `<group>/<name>.ts` exports one as `proof`. */
export function proofs(): readonly Proof[] {
  const folders = readdirSync(__dirname, { withFileTypes: true }).filter(entry => entry.isDirectory())
  return folders.flatMap(({ name: group }) =>
    readdirSync(join(__dirname, group)).map(file => {
      const { proof } = require(join(__dirname, group, file)) as { proof: Proof }
      if (proof?.group !== group)
        throw new TypeError(`test/prove/${group}/${file} must export a proof of the group "${group}" as \`proof\``)
      return proof
    }),
  )
}
