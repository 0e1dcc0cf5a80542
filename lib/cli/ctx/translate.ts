import { type BatchTranslation, CTXParser, EmitterRegistry, type Translation, Translator } from '../../ctx/index.js'
import { type Command, type CommandIo, exitCodes, UsageError } from '../command.js'
import { nearest } from '../nearest.js'
import { explained, isStatement, statementOf } from './statement-argument.js'
import { checkEach, readStatements } from './statement-file.js'

const registry = (): EmitterRegistry => new EmitterRegistry()

/** `actx translate`: prints what statements say in another language. The compiler's word, nothing else: no file is written, no network, no model. */
export const translate: Command = {
  usage: "[--target T] ['STATEMENT' | --batch FILE | --schema]",
  options: {
    target: {
      type: 'string',
      short: 't',
      value: 'T',
      about: `the language to translate to: ${registry().targets.join(', ')}; default: human`,
    },
    batch: { type: 'string', short: 'b', value: 'FILE', about: 'the statements of a file, one a line, as one batch; - is standard input' },
    schema: { type: 'boolean', about: 'print what the output of the target runs against' },
  },
  args: [0, Number.MAX_SAFE_INTEGER],
  isArgument: isStatement,
  async run(io) {
    const target = targetOf(io)
    const translator = new Translator(registry())
    if (io.options.schema) {
      const schema = schemaOf(io, translator, target)
      print(io, { target, schema }, schema)
    } else {
      const translation = io.options.batch === undefined ? ofOne(io, translator, target) : await ofBatch(io, translator, target)
      print(io, translation, translation.output)
    }
    return exitCodes.fine
  },
}

function targetOf({ options: { target = 'human' } }: CommandIo): string {
  const { targets } = registry()
  if (targets.includes(`${target}`)) return `${target}`
  const meant = nearest(`${target}`, targets)
  throw new UsageError(`unknown target "${target}"; ${meant ? `did you mean ${meant}? ` : ''}there are: ${targets.join(', ')}`)
}

function ofOne(io: CommandIo, translator: Translator, target: string): Translation {
  const statement = statementOf(io)
  return explained(statement, () => translator.translate(statement, target))
}

/** The batch first: only where it fails is each looked at by itself, to say which. */
async function ofBatch(io: CommandIo, translator: Translator, target: string): Promise<BatchTranslation> {
  takesNoStatement(io, '--batch')
  const file = `${io.options.batch}`
  const text = await readStatements(io, file)
  try {
    return translator.translateBatch(new CTXParser().parseAll(text), target)
  } catch (error) {
    checkEach(file, text, statement => translator.translate(statement, target))
    throw error
  }
}

function schemaOf(io: CommandIo, translator: Translator, target: string): string {
  takesNoStatement(io, '--schema')
  if (io.options.batch !== undefined) throw new UsageError('--schema prints no translation; leave out --batch')
  try {
    return translator.schema(target)
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function takesNoStatement({ args, rest = [] }: CommandIo, option: string): void {
  if (args.length + rest.length > 0) throw new UsageError(`${option} takes no statement from the command line; leave one of them out`)
}

/** What ends with a line end needs no second one: an HTTP request without a body stays as it is. */
function print(io: CommandIo, document: object, text: string): void {
  const plain = text.endsWith('\n') ? text : `${text}\n`
  io.stdout.write(io.options.json ? `${JSON.stringify(document, null, 2)}\n` : plain)
}
