import type { ModelAction } from '../core/types.js'
import { RequestWeight } from './request-weight.js'

/** Can what this request writes to the cache live for five minutes only? Not where the server may cache by itself, or nobody can say. */
export function cachesBriefly(request: ModelAction['request']): boolean {
  try {
    const weight = new RequestWeight().read(request)
    return weight.caching === 1 && !weight.cachesByItself
  } catch {
    return false
  }
}
