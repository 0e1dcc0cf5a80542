import type { Json, ModelAction } from '../core/types.js'
import { findPrice, type PriceTable } from './prices.js'

/**
 * The model that an answer is priced by: the one that it names, where its price is known. A name that nobody knows (a gateway's own, a new
 * snapshot) is the model that was asked for, unless the request lets the server take others: then it stays unknown, and is charged at the
 * dearest rates.
 */
export function billedModel(action: ModelAction, named: string, prices: PriceTable): string {
  return named === action.model || isKnown(named, prices) || namesOthers(action.request) ? named : action.model
}

function isKnown(model: string, prices: PriceTable): boolean {
  try {
    findPrice(prices, model)
    return true
  } catch {
    return false
  }
}

function namesOthers(request: { readonly [key: string]: Json }): boolean {
  if (request.fallbacks != null) return true
  return (
    Array.isArray(request.tools) && request.tools.some(tool => /^advisor/.test(String((tool as { readonly type?: unknown } | null)?.type)))
  )
}
