// One side of a comparison, alone in its process: imports a module, makes its work, and times it whenever it is asked to.
const [, , module, name, ...args] = process.argv
const make = (await import(module))[name]
const work = await make(...args)

async function timed(calls) {
  const start = process.hrtime.bigint()
  for (let call = 0; call < calls; call++) await work()
  return Number(process.hrtime.bigint() - start) / 1000 / calls
}

/** As many calls as fill `ms` milliseconds, found while warming up. */
async function callsFor(ms) {
  for (let calls = 1; ; calls *= 2) {
    const each = await timed(calls)
    if (each * calls >= ms * 1000) return Math.max(1, Math.round((ms * 1000) / each))
  }
}

await callsFor(800)
const calls = await callsFor(100)
process.on('message', async () => process.send(await timed(calls)))
process.send('ready')
