import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createKeys, type SigningKey } from '../../ctx/keys.js'
import { type Command, type CommandIo, exitCodes } from '../command.js'
import { dirOption, folderOf } from './dir.js'

/** `actx init`: the key pair of a record folder. A key that is there stays: what it has signed could not be verified any more. */
export const init: Command = {
  usage: '[--dir D]',
  options: { dir: dirOption },
  args: [0, 0],
  async run(io) {
    const { dir, shown } = folderOf(io)
    const isNew = !existsSync(join(dir, '.keys'))
    const key = createKeys(dir)
    if (!isNew) return refuse(io, shown, key)
    report(io, shown, key)
    return exitCodes.fine
  },
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
