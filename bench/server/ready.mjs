/** Tells who started this process how it is reached; the process ends with its starter. */
export function ready(facts) {
  process.once('disconnect', () => process.exit())
  process.send(facts)
}
