// The groups, in the order of the report. Each module exports `rows(): Promise<Row[]>` and is loaded only when it is asked for.

/** @type {Readonly<Record<string, () => Promise<{ rows(): Promise<import('./measure.mjs').Row[]> }>>>} */
export const groups = {
  core: () => import('./core.mjs'),
  ctx: () => import('./ctx.mjs'),
  ledger: () => import('./ledger.mjs'),
  policy: () => import('./policy.mjs'),
  server: () => import('./server.mjs'),
}

/** The names that --only takes. */
export const groupNames = ['core', 'ctx', 'ledger', 'server', 'policy', 'fleet']
