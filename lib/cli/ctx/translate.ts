import { EmitterRegistry, Translator } from '../../ctx/index.js'
import { type Command, exitCodes, UsageError } from '../command.js'

/** `actx translate`: prints what a statement says. The compiler's word, nothing else: no file, no network, no model. */
export const translate: Command = {
  usage: "[--target T] [--] 'STATEMENT'",
  options: { target: { type: 'string', short: 't', value: 'T', about: 'the language to translate to; default: human' } },
  args: [0, 1],
  async run(io) {
    const [statement, ...more] = [...io.args, ...(io.rest ?? [])]
    if (statement === undefined || more.length > 0)
      throw new UsageError(`one statement is needed, in quotes: '?k auth'; one that begins with - stands after --`)
    const registry = new EmitterRegistry()
    const { target = 'human' } = io.options
    if (!registry.targets.includes(`${target}`))
      throw new UsageError(`unknown target "${target}"; there are: ${registry.targets.join(', ')}`)
    const translation = new Translator(registry).translate(statement, `${target}`)
    io.stdout.write(io.options.json ? `${JSON.stringify(translation, null, 2)}\n` : `${translation.output}\n`)
    return exitCodes.fine
  },
}
