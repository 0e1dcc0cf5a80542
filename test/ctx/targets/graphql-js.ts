import { type DocumentNode, execute, type ExecutionResult, buildSchema, type GraphQLSchema, parse, validate } from 'graphql'
import type { Narrowing, Ranking, RowFacts, SearchOperation, TraverseOperation } from '../../../lib/ctx/targets/operation.js'
import { Translator } from '../../../lib/ctx/targets/translator.js'
import { changesOf } from './changes-of.js'
import type { Engine } from './engine.js'
import { type Answer, type Content, type Entry, Rows } from './rows.js'

interface Pair {
  readonly name: string
  readonly value: string
}

type FactArguments = Omit<RowFacts, 'fields'> & { readonly fields?: readonly Pair[] }
type WhichArguments = Omit<Narrowing, 'since'> & { readonly within: readonly number[]; readonly since: readonly number[] }
type SearchArguments = Omit<SearchOperation, 'since' | 'ranking'> &
  WhichArguments & { readonly by?: Ranking['by']; readonly words?: readonly string[]; readonly threshold?: number }

const fieldsOf = (pairs: readonly Pair[] | undefined): Record<string, string> | undefined =>
  pairs && Object.fromEntries(pairs.map(({ name, value }) => [name, value]))

/** Types cannot say that there is one payload at most. */
function factsOf<Facts extends Pick<FactArguments, 'text' | 'fields'>>({ fields, ...said }: Facts) {
  if (said.text !== undefined && fields !== undefined) throw new RangeError('a text or fields, not both')
  return { ...said, fields: fieldsOf(fields) }
}

const whichOf = <Which extends WhichArguments>({ within, since, ...which }: Which) => ({
  ...which,
  since: [...within.map(ago => ({ ago })), ...since.map(at => ({ at }))],
})

/** Which entries a change is for: types cannot say that it needs more than the plane. */
function narrowed<Which extends WhichArguments>(which: Which) {
  const { name, project, tags, within, since } = which
  if ([...tags, ...within, ...since].length === 0 && name === undefined && project === undefined)
    throw new RangeError('not all that there is')
  return whichOf(which)
}

/** Serves rows by the schema that we ship: each field of it is a method. */
class Resolvers {
  readonly #rows: Rows
  readonly #most: number

  constructor(rows: Rows, most: number) {
    this.#rows = rows
    this.#most = most
  }

  readonly search = ({ by, words, threshold, ...which }: SearchArguments) =>
    this.#shown(this.#rows.search({ ...whichOf(which), ranking: by && ({ by, words, threshold } as Ranking) }))

  readonly lookup = (which: WhichArguments & { readonly name: string }) => this.#shown(this.#rows.lookup(whichOf(which)))

  readonly traverse = (walk: Omit<TraverseOperation, 'does'>) => this.#rows.traverse(walk)

  readonly store = (said: FactArguments) => {
    if (this.#rows.content.entries.length >= this.#most) throw new RangeError('the store is full')
    return this.#counted(() => this.#rows.store(factsOf(said)))
  }

  readonly relate = (said: FactArguments & { readonly from: string; readonly relation: string; readonly to: string }) =>
    this.#counted(() => this.#rows.relate(factsOf(said)))

  readonly call = (said: FactArguments) => this.#counted(() => this.#rows.call({ operator: '>', ...factsOf(said) }))

  readonly delegate = (said: FactArguments) => this.#counted(() => this.#rows.call({ operator: '^', ...factsOf(said) }))

  readonly update = ({ text, fields, ...which }: WhichArguments & Pick<FactArguments, 'text' | 'fields'>) => {
    if (text === undefined && fields === undefined) throw new RangeError('the new text or fields')
    return this.#counted(() => this.#rows.update({ ...narrowed(which), ...factsOf({ text, fields }) }))
  }

  readonly promote = (which: WhichArguments) => this.#counted(() => this.#rows.promote(narrowed(which)))

  readonly delete = (which: WhichArguments) => this.#counted(() => this.#rows.delete(narrowed(which)))

  #shown(entries: ReturnType<Rows['search']>) {
    return entries.map(entry => ({
      ...entry,
      ...this.#rows.momentsOf(entry),
      fields: entry.fields && Object.entries(entry.fields).map(([name, value]) => ({ name, value })),
    }))
  }

  #counted(change: () => void): number {
    return changesOf(this.#rows, change)
  }
}

type Shown = Omit<Entry, 'fields'> & { readonly fields: readonly Pair[] | null }

const entryOf = ({ plane, verb, name, text, fields, tags, project, format, weight }: Shown): Entry => ({
  ...{ plane, verb, name, text, tags, project, format, weight },
  fields: fieldsOf(fields ?? undefined) ?? null,
})

/** A field's answer as the rows have it: without the moments, which no plain reading knows to the second. */
const answerOf = (value: unknown): Answer | undefined =>
  Array.isArray(value) ? (value.map(one => ('weight' in one ? entryOf(one) : { ...one })) as Answer) : undefined

/** graphql-js with the schema that we ship, on rows in memory. What fails in the middle leaves nothing behind. */
export class GraphqlJs implements Engine {
  readonly schema: GraphQLSchema = buildSchema(new Translator().schema('graphql'))
  readonly #most: number
  #rows = new Rows()

  /** `most`: how many entries there is room for. */
  constructor(most = Number.POSITIVE_INFINITY) {
    this.#most = most
  }

  async run(output: string): Promise<Answer | undefined> {
    const answers = await this.answers(output)
    return answerOf(Object.values(answers)[0])
  }

  async runBatch(output: string): Promise<void> {
    await this.answers(output)
  }

  /** What each field of a document gives. @throws AggregateError with what is wrong with it, or went wrong; nothing has changed then */
  async answers(output: string): Promise<Readonly<Record<string, unknown>>> {
    const undo = this.#rows.save()
    const { data, errors } = await this.execute(output)
    if (errors) undo()
    return data && !errors ? data : this.#refuse(errors)
  }

  /** What a server does that has no transactions. */
  async execute(output: string): Promise<ExecutionResult> {
    const document = this.checked(output)
    return execute({ schema: this.schema, document, rootValue: new Resolvers(this.#rows, this.#most) })
  }

  /** One definition, without anything that the schema does not have. */
  checked(output: string): DocumentNode {
    const document = parse(output)
    if (document.definitions.length !== 1) throw new RangeError(`${document.definitions.length} definitions`)
    const errors = validate(this.schema, document)
    return errors.length > 0 ? this.#refuse(errors) : document
  }

  async content(): Promise<Content> {
    return this.#rows.content
  }

  async age(seconds: number): Promise<void> {
    this.#rows.age(seconds)
  }

  async reset(): Promise<void> {
    this.#rows = new Rows()
  }

  async close(): Promise<void> {}

  #refuse(errors: ExecutionResult['errors']): never {
    throw new AggregateError(errors ?? [], errors?.map(({ message }) => message).join('; '))
  }
}
