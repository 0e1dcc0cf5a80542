import type { Command, Redirect, SyntaxNode, Word } from 'unbash'
import { steersPrograms } from './environment.js'
import type { ShellParser } from './load-parser.js'
import { type Argument, argumentOf, literalOf } from './words.js'

/** A command that a text runs. */
export interface Run {
  readonly name: string
  readonly args: readonly Argument[]
}

/** Every command that a text would run; or, in `unclear`, why it cannot be said. */
export interface Analysis {
  readonly runs: readonly Run[]
  readonly unclear?: string
}

/** What is found on the way through the tree. */
interface Findings {
  readonly runs: Run[]
  readonly redirections: boolean
}

type Look = (node: any, found: Findings) => string | undefined

const longest = 65_536
const mostOpenings = 256
const mostNodes = 20_000
const deepest = 100

/**
 * Reads a command of the shell, bash, without running it: through pipes, lists, subshells, substitutions, loops and here-documents.
 * What does not parse, what is made only when it runs, and what changes the meaning of the rest is unclear. It takes a bounded time for any text.
 * @param redirections - may files be read and written by `<` and `>`?
 */
export function analyse(parser: ShellParser, text: string, redirections: boolean): Analysis {
  const early = tooMuch(text)
  if (early !== undefined) return { runs: [], unclear: early }
  const found: Findings = { runs: [], redirections }
  const unclear = walk(parser, parser.parse(text) as SyntaxNode, found)
  return { runs: found.runs, unclear }
}

/** What would take the parser long, or could mean another thing to another shell. */
function tooMuch(text: string): string | undefined {
  if (text.length > longest) return `a command of ${text.length} characters is too long`
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\u0000-\u0008\u000b-\u001f\u007f]/.test(text)) return 'the command holds a control character'
  if ((text.match(/[$<>]\(|\$[{[]|`|<<|[?*+@!]\(/g)?.length ?? 0) > mostOpenings) return 'the command nests too much'
  return undefined
}

function walk(parser: ShellParser, root: SyntaxNode, found: Findings): string | undefined {
  const open: (readonly [node: SyntaxNode, depth: number])[] = [[root, 0]]
  for (let nodes = 0; open.length > 0; nodes++) {
    const [node, depth] = open.pop()!
    if (nodes > mostNodes || depth > deepest) return 'the command nests too much'
    const look = Object.hasOwn(looks, node.type) ? looks[node.type] : unknownNode
    const unclear = look!(node, found)
    if (unclear !== undefined) return unclear
    const children: SyntaxNode[] = []
    parser.forEachChild(node, child => void children.push(child))
    for (let at = children.length - 1; at >= 0; at--) open.push([children[at]!, depth + 1])
  }
}

const fine: Look = () => undefined
const unknownNode: Look = ({ type }) => `the command uses what is not known: ${type}`
const named: Look = ({ name }) => variable(typeof name === 'string' ? name : literalOf(name))

/** What is looked at in each sort of node; a sort that is not listed is unclear. */
const looks: Readonly<Record<string, Look>> = {
  ...Object.fromEntries(
    (
      'Statement Pipeline AndOr If Elif While Subshell BraceGroup CompoundList Case CaseItem ArithmeticFor TestCommand ArithmeticCommand Redirected Word Literal Glob SingleQuoted ' +
      'DoubleQuoted AnsiCQuoted SimpleExpansion BraceExpansion ArrayValue HereString HereDoc HereDocDelimiter HereDocBody FileDescriptor Time Negation ' +
      'TestLogical TestNot TestGroup ArithmeticBinary ArithmeticUnary ArithmeticTernary ArithmeticGroup Default Remove Replace Slice CaseModification'
    )
      .split(' ')
      .map(type => [type, fine]),
  ),
  Script: ({ errors }) => (errors && errors.length > 0 ? 'the command does not parse' : undefined),
  Command: commandLook,
  Redirect: redirectLook,
  Assignment: ({ name, index }) => variable(name) ?? subscript(index),
  For: named,
  Select: named,
  FileDescriptorVariable: named,
  Function: () => 'the command defines a function',
  ExtendedGlob: () => 'the command holds a pattern that shells read differently',
  Coproc: () => 'the command starts a coprocess',
  LocaleString: () => 'the command holds a text that is translated when it runs',
  CommandExpansion: scriptLook,
  ProcessSubstitution: scriptLook,
  ParameterExpansion: parameterLook,
  Transform: () => expansion,
  Names: () => expansion,
  Unknown: () => expansion,
  ArithmeticExpansion: ({ expression }) => (expression === undefined ? 'the command does not parse' : undefined),
  ArithmeticWord: ({ value }) => (isNumber(value) ? undefined : arithmetic),
  ArithmeticCommandExpansion: () => arithmetic,
  TestUnary: ({ operator }) => (/^-[vR]$/.test(operator) ? arithmetic : undefined),
  TestBinary: ({ operator, left, right }) =>
    /^-(?:eq|ne|lt|le|gt|ge)$/.test(operator) && !(isNumber(literalOf(left)) && isNumber(literalOf(right))) ? arithmetic : undefined,
}

const expansion = 'the command takes the value of a variable for a name, or for text to expand'
/** Bash runs commands that stand in a variable when it calculates with it. */
const arithmetic = 'the command calculates with variables'
const isNumber = (text: string | undefined): boolean => text !== undefined && /^\s*-?(?:0[xX][\da-fA-F]+|\d+)\s*$/.test(text)

function commandLook({ name, suffix }: Command, { runs }: Findings): string | undefined {
  if (name === undefined) return
  const text = literalOf(name)
  if (text === undefined || text === '' || name.text.startsWith('=')) return 'the command runs something that is not known before it runs'
  if (!/^[\x21-\x7e]+$/.test(text)) return 'the name of a command holds a space or a letter that is not ASCII'
  const words = suffix.filter(item => item.type === 'Word') as readonly Word[]
  runs.push({ name: text, args: words.map(argumentOf) })
}

function redirectLook({ operator, target }: Redirect, { redirections }: Findings): string | undefined {
  if (target === undefined) return 'the command does not parse'
  const text = literalOf(target)
  if (text === undefined) return 'the command redirects to what is not known before it runs'
  if (/^\/dev\/(?:tcp|udp)(?:\/|$)/i.test(text.replace(/\/+(?:\.\/+)*/g, '/'))) return 'the command redirects to the network'
  if (text === '/dev/null' || (/^[<>]&$/.test(operator) && /^(?:\d+-?|-)$/.test(text))) return
  return redirections ? undefined : 'the command redirects to or from a file'
}

function scriptLook({ script }: { readonly script: unknown }): string | undefined {
  return script === undefined ? 'the command does not parse' : undefined
}

function variable(name: string | undefined): string | undefined {
  if (name === undefined) return 'the command sets a variable that is not known before it runs'
  return steersPrograms(name) ? 'the command sets a variable that steers programs' : undefined
}

function subscript(index: Word | undefined): string | undefined {
  return index === undefined || isNumber(literalOf(index)) ? undefined : arithmetic
}

function parameterLook(node: any): string | undefined {
  const { parameter, prefix, index, operation } = node
  if (prefix === '!') return expansion
  if (index !== undefined && !/^[@*]$/.test(index.text) && subscript(index)) return arithmetic
  if (operation?.type === 'Slice' && [operation.offset, operation.length].some(word => word && !isNumber(literalOf(word))))
    return arithmetic
  return operation?.type === 'Default' && operation.operator.endsWith('=') ? variable(parameter) : undefined
}
