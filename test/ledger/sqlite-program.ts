import { sqliteStore } from 'outrigger/ledger/sqlite'

// A process of its own: `spend` asks for many calls at once, `go-on` for one after the other until it is killed, `try` goes on
// behind what fails; it says what was acknowledged.
const [path = '', mode = '', name = '', count = ''] = process.argv.slice(2)
const cost = { nanoUsd: 1_000, tokens: 10 }
const store = await sqliteStore({ path, busyMs: 60_000 })
const account = { id: 'task' }

async function call(id: string): Promise<boolean> {
  const held = await store.reserve(account, { id, ...cost })
  if (!held.ok) return false
  const settled = await store.settle(account, { id, ...cost })
  if (!settled.ok) throw new Error(settled.code)
  return true
}

if (mode === 'spend') {
  const done = await Promise.all(Array.from({ length: Number(count) }, (_, n) => call(`${name}-${n}`)))
  process.stdout.write(`${done.filter(Boolean).length}\n`)
} else if (mode === 'try') {
  for (let n = 0; n < Number(count); n++) {
    const said = await call(`${name}-${n}`).catch((error: { readonly code?: string }) => error.code)
    process.stdout.write(`${said}\n`)
  }
} else {
  process.stdout.write('begun\n')
  for (let n = 0; n < Number(count); n++) {
    await call(`${name}-${n}`)
    process.stdout.write(`${name}-${n}\n`)
  }
}
await store.close?.()
