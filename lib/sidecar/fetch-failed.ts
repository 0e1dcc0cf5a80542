/** What `fetch` throws where there is no answer. @param cause - the reason, or the error that it comes from */
export function fetchFailed(cause: unknown): TypeError {
  return new TypeError('fetch failed', { cause: typeof cause === 'string' ? new Error(cause) : cause })
}
