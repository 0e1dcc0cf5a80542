import { defineMiddleware, type Layer } from 'outrigger'
import { recorder, type Verification } from 'outrigger/ctx'
import { SigningKeeper, type SignedStatement } from './signing/keeper.js'
import { type SigningSettings, signingSettings, type WithSigningOptions } from './signing/options.js'

export type { SignedStatement } from './signing/keeper.js'
export type { WithSigningOptions } from './signing/options.js'

/** The members that `withSigning` shows. */
export interface SigningMembers {
  /** The English sentence of a statement. Nothing is written. @throws CtxParseError */
  translate(ctx: string): string
  /** Signs a statement of your own and writes it into the log. @throws CtxParseError, and SigningError where it cannot be written */
  signAndWrite(ctx: string): Promise<SignedStatement>
  /** Verifies the log of this sidecar, to the record that it wrote last. */
  verify(): Promise<Verification>
  /** Of the key that signs: what a verifier is configured with. @throws SigningError where the key cannot be read or made */
  readonly publicKey: string
}

/**
 * Writes down every action as a signed CTX statement in a chained log: what was intended before it starts, what came of it after. What cannot be
 * written down does not happen. Fails closed. State: one log.
 * @throws TypeError or RangeError on a wrong or unknown option; no file is touched before the first action
 */
export function withSigning(options: WithSigningOptions = {}): Layer<SigningMembers> {
  return signingLayer(signingSettings(options))
}

function signingLayer(settings: SigningSettings): Layer<SigningMembers> {
  const keeper = new SigningKeeper(settings)
  const { log, batchMs, checkpointEvery, files, content } = settings

  const members: SigningMembers = {
    translate: ctx => keeper.translate(ctx),
    signAndWrite: ctx => keeper.signAndWrite(ctx),
    verify: () => keeper.verify(),
    get publicKey() {
      return keeper.publicKey
    },
  }

  return defineMiddleware(
    {
      name: 'withSigning',
      commits: true,
      provides: [recorder],
      expose: members,
      options: { log: log.where, batchMs, checkpointEvery, files, content },
      attach: host => keeper.attach(host),
      inherit: () => signingLayer(settings),
      snapshot: () => keeper.snapshot(),
      close: () => keeper.close(),
    },
    async (ctx, next) => {
      const asked = keeper.begin(ctx)
      const action = asked instanceof Promise ? await asked : asked
      try {
        await next()
      } catch (error) {
        const failed = action.ended({ error })
        if (failed) await failed
        throw error
      }
      const done = action.ended()
      if (done) await done
    },
  )
}
