import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../core/clock.js'
import { createKeys, rotateKeys, type SigningKey } from '../../ctx/keys/keys.js'
import { fileLog } from '../../ctx/log/log-file.js'
import { LogWriter } from '../../ctx/log/log-writer.js'
import { type Command, type CommandIo, exitCodes, UsageError } from '../command.js'
import { dirOption, folderOf } from './dir.js'

/**
 * `actx init`: the key pair of a record folder. A key that is there stays: what it has signed could not be verified any more. With `--rotate` another
 * takes its place, by a record that both sign.
 */
export const init: Command = {
  usage: '[--rotate] [--dir D]',
  options: { rotate: { type: 'boolean', about: 'exchange the key pair that is there, by a record that both sign' }, dir: dirOption },
  args: [0, 0],
  async run(io) {
    const { dir, shown } = folderOf(io)
    if (io.options.rotate) return rotate(io, dir, shown)
    const isNew = !existsSync(join(dir, '.keys'))
    const key = createKeys(dir)
    if (!isNew) return refuse(io, shown, key)
    report(io, shown, key)
    return exitCodes.fine
  },
}

/**
 * The record stands in a log of its own: whoever is at work goes on with the old key to the end of his log, and takes the new one for the next.
 */
async function rotate(io: CommandIo, dir: string, shown: string): Promise<number> {
  if (!existsSync(join(dir, '.keys'))) throw new UsageError(`there is no key in ${shown}; make one: actx init`)
  const next = await rotateKeys(dir, async (signer, following) => {
    const agent = { id: 'actx', name: 'actx', type: 'command' }
    const writer = await LogWriter.open({ log: fileLog({ dir }), agent, signer, clock: io.clock ?? systemClock })
    try {
      await writer.rotate(following)
    } finally {
      await writer.close()
    }
  })
  report(io, shown, next)
  return exitCodes.fine
}

function report(io: CommandIo, dir: string, { id, publicKey }: SigningKey): void {
  if (io.options.json) return void io.stdout.write(`${JSON.stringify({ ok: true, dir, keyId: id, publicKey }, null, 2)}\n`)
  io.stdout.write(`keys       ${join(dir, '.keys')}: keep signing.key secret, and give signing.pub to whoever verifies
public key ${publicKey}
key id     ${id}\n`)
}

function refuse(io: CommandIo, dir: string, { id, publicKey }: SigningKey): number {
  const says = `${join(dir, '.keys')} has a key already, ${id}; it stays as it is`
  if (io.options.json) io.stdout.write(`${JSON.stringify({ ok: false, dir, keyId: id, publicKey, says }, null, 2)}\n`)
  else io.stderr.write(`actx init: ${says}\n`)
  return exitCodes.failed
}
