import { appendFile, fdatasync, write } from 'node:fs'
import { promisify } from 'node:util'
import { createSidecar } from 'outrigger'
import { createKeys, fileLog } from 'outrigger/ctx'
import { withSigning } from 'outrigger/middleware'

// Run by `killed.ts` as a process of its own: works under `withSigning` until it is killed, or has done so many rounds.
const [dir = '', name = '', rounds = '', batchMs = '', piece = ''] = process.argv.slice(2)
const appended = promisify(appendFile) as (path: string, text: string) => Promise<void>

/** Takes a few bytes at a time, so that a line can be cut anywhere. */
const disk = {
  write: (fd: number, bytes: Uint8Array) =>
    new Promise<number>((resolve, reject) =>
      write(fd, bytes.subarray(0, Number(piece) || undefined), (error, taken) => (error ? reject(error) : resolve(taken))),
    ),
  sync: promisify(fdatasync) as (fd: number) => Promise<void>,
}

const effect = {
  name: 'effect',
  run: async ({ id }: { readonly id: string }) => {
    await appended(`${dir}/effects`, `${id}\n`)
    return id
  },
}

const sidecar = createSidecar({
  id: 'killed',
  agent: {
    name: 'killed',
    send: async (round: string, { tool }) => Promise.all(['a', 'b'].map(part => tool(effect).run({ id: `<${name}-${round}-${part}>` }))),
  },
  use: [
    withSigning({
      dir: `${dir}/.context`,
      log: fileLog({ dir: `${dir}/.context`, disk }),
      key: createKeys(`${dir}/.context`),
      batchMs: Number(batchMs),
      checkpointEvery: 5,
      files: 'outcomes',
      content: 'full',
    }),
  ],
})

process.send?.('begun')
for (let round = 0; round < Number(rounds); round++) {
  const done = (await sidecar.send(`${round}`)) as readonly string[]
  await appended(`${dir}/answers`, done.map(id => `${id}\n`).join(''))
}
await sidecar.close()
process.disconnect?.()
