declare module 'koa-compose' {
  /** The engine's one function. Ours, because the published types pick a wrong overload for two layers. */
  export default function compose<C>(
    stack: readonly ((ctx: C, next: () => Promise<void>) => Promise<void>)[],
  ): (ctx: C, next?: () => Promise<void>) => Promise<void>
}
