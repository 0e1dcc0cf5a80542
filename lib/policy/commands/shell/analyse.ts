import type { Assignment, Command, For, Pipeline, Select, Redirect, SyntaxNode, Word } from 'unbash'
import { steersPrograms } from './tables/environment.js'
import type { ShellParser } from './load-parser.js'
import { type Argument, argumentOf, literalOf } from './words.js'

/** A command that a text runs. */
export interface Run {
  readonly name: string
  readonly args: readonly Argument[]
  /** Its input is a pipe, a file or a text. */
  readonly fed?: boolean
  /** The command whose output alone is its input: the one before it in a pipe of plain commands. */
  readonly behind?: Run
}

/** A file that a text writes by `>`, and the command whose output goes there, where it is one. */
export interface Written {
  readonly file: string
  readonly by?: Run
}

/** Every command that a text would run, the files and variables that it would write and read itself; or, in `unclear`, why it cannot be said. */
export interface Analysis {
  readonly runs: readonly Run[]
  readonly writes: readonly Written[]
  readonly reads: readonly string[]
  readonly sets: readonly string[]
  /** What the variables are set to; `undefined` where that is not known. */
  readonly values: readonly (Argument | undefined)[]
  /** Parts of it run more than once. */
  readonly loops: boolean
  readonly unclear?: string
}

/** What is found on the way through the tree. */
interface Findings {
  readonly runs: Run[]
  readonly writes: Written[]
  readonly reads: string[]
  readonly sets: string[]
  readonly values: (Argument | undefined)[]
  loops: boolean
  readonly redirections: boolean
  /** The commands and redirections that were met, by their nodes. */
  readonly byNode: Map<object, Run>
  /** Which node stands before another in a pipe. */
  readonly before: Map<object, object>
}

type Look = (node: any, found: Findings, fed: boolean) => string | undefined

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
  const found: Findings = {
    runs: [],
    writes: [],
    reads: [],
    sets: [],
    values: [],
    loops: false,
    redirections,
    byNode: new Map(),
    before: new Map(),
  }
  const unclear = tooMuch(text) ?? walk(parser, parser.parse(text) as SyntaxNode, found)
  const { runs, writes, reads, sets, values, loops } = found
  return { runs, writes, reads, sets, values, loops, unclear }
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
  const open: (readonly [node: SyntaxNode, depth: number, fed: boolean])[] = [[root, 0, false]]
  for (let nodes = 0; open.length > 0; nodes++) {
    const [node, depth, given] = open.pop()!
    if (nodes > mostNodes || depth > deepest) return 'the command nests too much'
    const look = Object.hasOwn(looks, node.type) ? looks[node.type] : unknownNode
    const fed = given || takesInput(node)
    const unclear = look!(node, found, fed)
    if (unclear !== undefined) return unclear
    const children: SyntaxNode[] = []
    parser.forEachChild(node, child => void children.push(child))
    for (let at = children.length - 1; at >= 0; at--) open.push([children[at]!, depth + 1, fed || node.type === 'Pipeline'])
  }
}

/** Does a redirection of a command, or around several, give them their input? */
function takesInput(node: any): boolean {
  const redirects: readonly any[] = node.redirects ?? []
  return redirects.some(({ type, operator }) => type !== 'Redirect' || operator.includes('<'))
}

const fine: Look = () => undefined
const unknownNode: Look = ({ type }) => `the command uses what is not known: ${type}`
const named: Look = ({ name }, found) => variable(name, found)
const loop: Look = (_node, found) => {
  found.loops = true
  return undefined
}

/** What is looked at in each sort of node; a sort that is not listed is unclear. */
const looks: Readonly<Record<string, Look>> = {
  ...Object.fromEntries(
    (
      'Statement AndOr If Elif Subshell BraceGroup CompoundList Case CaseItem TestCommand ArithmeticCommand Redirected Word Literal Glob SingleQuoted ' +
      'DoubleQuoted AnsiCQuoted SimpleExpansion BraceExpansion HereString HereDoc HereDocDelimiter HereDocBody FileDescriptor Time Negation ' +
      'TestLogical TestNot TestGroup ArithmeticBinary ArithmeticUnary ArithmeticTernary ArithmeticGroup Default Remove Replace Slice CaseModification'
    )
      .split(' ')
      .map(type => [type, fine]),
  ),
  Script: ({ errors }) => (errors && errors.length > 0 ? 'the command does not parse' : undefined),
  Command: commandLook,
  Pipeline: pipelineLook,
  // `[x]=1`: bash calculates the place.
  ArrayValue: ({ elements }) => (elements.some(({ text }: Word) => /^\[(?!\d+\]\+?=)/.test(text)) ? arithmetic : undefined),
  Redirect: redirectLook,
  Assignment: assignmentLook,
  For: listLook,
  Select: listLook,
  While: loop,
  ArithmeticFor: loop,
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

function commandLook(node: Command, found: Findings, fed: boolean): string | undefined {
  const { name, suffix } = node
  if (name === undefined) return
  const text = literalOf(name)
  if (text === undefined || text === '' || name.text.startsWith('=')) return 'the command runs something that is not known before it runs'
  if (!/^[\x21-\x7e]+$/.test(text)) return 'the name of a command holds a space or a letter that is not ASCII'
  const words = suffix.filter(item => item.type === 'Word') as readonly Word[]
  const before = found.before.get(node)
  const run: Run = { name: text, args: words.map(argumentOf), fed, behind: before && found.byNode.get(before) }
  found.runs.push(run)
  if (text === 'export') found.values.push(...run.args)
  for (const one of [node, ...node.redirects]) found.byNode.set(one, run)
}

/** What stands behind a pipe of plain commands gets the output of the one before, and nothing else. */
function pipelineLook({ commands }: Pipeline, { before }: Findings): undefined {
  for (const [at, command] of commands.entries()) if (at > 0 && !takesInput(command)) before.set(command, commands[at - 1]!)
}

function redirectLook(node: Redirect, found: Findings): string | undefined {
  const { operator, target } = node
  if (target === undefined) return 'the command does not parse'
  const text = literalOf(target)
  if (text === undefined) return 'the command redirects to what is not known before it runs'
  if (/^\/dev\/(?:tcp|udp)(?:\/|$)/i.test(text.replace(/\/+(?:\.\/+)*/g, '/'))) return 'the command redirects to the network'
  if (text === '/dev/null' || (/^[<>]&$/.test(operator) && /^(?:\d+-?|-)$/.test(text))) return
  if (operator === '>|' || text.startsWith('!')) return 'the command redirects in a way that shells read differently'
  if (operator === '<') found.reads.push(text)
  else found.writes.push({ file: text, by: found.byNode.get(node) })
  return found.redirections ? undefined : 'the command redirects to or from a file'
}

function scriptLook({ script }: { readonly script: unknown }): string | undefined {
  return script === undefined ? 'the command does not parse' : undefined
}

function assignmentLook({ name, index, value }: Assignment, found: Findings): string | undefined {
  found.values.push(...(value.type === 'Word' ? [assignedOf(value)] : value.elements.map(argumentOf)))
  return variable(name, found) ?? subscript(index)
}

/** What is assigned is no pattern: `app:*` stays as it is. */
function assignedOf(word: Word): Argument {
  const { text, value, parts } = word
  if (parts?.some(({ type }) => type === 'Glob') !== true) return argumentOf(word)
  const literal = parts.map(part => (part.type === 'Glob' ? { ...part, type: 'Literal', value: part.text } : part))
  return argumentOf({ type: 'Word', text, value, parts: literal } as unknown as Word)
}

function listLook({ name, wordlist }: For | Select, found: Findings): string | undefined {
  found.loops = true
  found.values.push(...(wordlist?.map(argumentOf) ?? [undefined]))
  return variable(literalOf(name), found)
}

function variable(name: string | undefined, { sets }: Findings): string | undefined {
  if (name === undefined || !/^[a-zA-Z_]\w*$/.test(name)) return 'the command sets a variable that is not known before it runs'
  sets.push(name)
  return steersPrograms(name) ? 'the command sets a variable that steers programs' : undefined
}

function subscript(index: Word | undefined): string | undefined {
  return index === undefined || isNumber(literalOf(index)) ? undefined : arithmetic
}

function parameterLook(node: any, found: Findings): string | undefined {
  const { parameter, prefix, index, operation } = node
  if (prefix === '!') return expansion
  if (index !== undefined && !/^[@*]$/.test(index.text) && subscript(index)) return arithmetic
  if (operation?.type === 'Slice' && [operation.offset, operation.length].some(word => word && !isNumber(literalOf(word))))
    return arithmetic
  if (operation?.type !== 'Default' || !operation.operator.endsWith('=')) return undefined
  found.values.push(undefined)
  return variable(parameter, found)
}
