import type { Seam } from '../claude/seam.js'

const seams = new WeakMap<object, Seam>()

/** Notes what is behind a sidecar, for a server that speaks for it. */
export function putBehind(sidecar: object, seam: Seam): void {
  seams.set(sidecar, seam)
}

/** What is behind a sidecar of this copy of the library; `undefined` for anything else. */
export function seamBehind(sidecar: object): Seam | undefined {
  return seams.get(sidecar)
}
