import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * A free port below those that systems give by themselves: nobody takes it by chance while a companion is started anew on it.
 * @param least - of a thousand that are for one test file alone
 */
export async function quietPort(least: number): Promise<number> {
  for (;;) {
    const port = least + randomInt(1_000)
    const server = createServer()
    const isFree = await new Promise<boolean>(resolve => {
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!isFree) continue
    server.close()
    await once(server, 'close')
    return port
  }
}
