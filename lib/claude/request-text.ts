import type { Json } from '../core/types.js'

type Request = { readonly [key: string]: Json }

// Made before the request is frozen: of what is frozen, V8 writes JSON several times slower.
const texts = new WeakMap<Request, string>()

/** Keeps how a request is written, while nobody can have changed it. What cannot be written is refused later on. */
export function keepText(request: Request): void {
  try {
    texts.set(request, JSON.stringify(request))
  } catch {
    // Nested too deep.
  }
}

/** What is sent for a request: the object that was judged, serialised again. */
export function textOf(request: Request): string {
  return texts.get(request) ?? JSON.stringify(request)
}
