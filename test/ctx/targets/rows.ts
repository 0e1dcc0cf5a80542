import type {
  CallOperation,
  DeleteOperation,
  LookupOperation,
  Narrowing,
  Operation,
  PromoteOperation,
  RelateOperation,
  RowFacts,
  SearchOperation,
  Since,
  StoreOperation,
  TraverseOperation,
  UpdateOperation,
} from '../../../lib/ctx/targets/operation.js'

/** What a row says; `null` for what it does not say. */
export interface Row {
  readonly plane: string
  readonly verb: string | null
  readonly name: string | null
  readonly text: string | null
  readonly fields: Readonly<Record<string, string>> | null
  readonly tags: readonly string[]
  readonly project: string | null
  readonly format: string | null
}

export type Entry = Row & { readonly weight: number }
export type Edge = Omit<Row, 'name'> & { readonly from: string; readonly relation: string; readonly to: string }
export type Call = Row & { readonly operator: string }
/** A name that a walk came to. */
export interface Reached {
  readonly name: string
  readonly step: number
}
export type Answer = readonly Entry[] | readonly Reached[]

/** All that an engine holds. */
export interface Content {
  readonly entries: readonly Entry[]
  readonly edges: readonly Edge[]
  readonly calls: readonly Call[]
}

interface Stored {
  row: Entry
  created: number
  changed: number
}

/** The plain reading of what operations mean, in memory. Servers of the tests work on it, and every engine is compared with it. */
export class Rows {
  #entries: Stored[] = []
  #edges: Edge[] = []
  #calls: Call[] = []
  readonly #now = Math.floor(Date.now() / 1_000)

  /** All that is stored becomes older. */
  age(seconds: number): void {
    for (const entry of this.#entries) {
      entry.created -= seconds
      entry.changed -= seconds
    }
  }

  clear(): void {
    this.#entries = []
    this.#edges = []
    this.#calls = []
  }

  get content(): Content {
    return { entries: this.#entries.map(({ row }) => row), edges: [...this.#edges], calls: [...this.#calls] }
  }

  /** When an entry that was found was stored and last changed, in Unix seconds. */
  momentsOf(row: Entry): { readonly created: number; readonly changed: number } {
    const { created, changed } = this.#entries.find(entry => entry.row === row)!
    return { created, changed }
  }

  /** Gives a function that makes everything as it is now: what a server does with a batch that cannot be done whole. */
  save(): () => void {
    const [entries, edges, calls] = [this.#entries.map(entry => ({ ...entry })), [...this.#edges], [...this.#calls]]
    return () => {
      this.#entries = entries
      this.#edges = edges
      this.#calls = calls
    }
  }

  /** The answer of a search, a lookup or a walk; nothing for what changes rows. */
  run(operation: Operation): Answer | undefined {
    switch (operation.does) {
      case 'store':
        return this.store(operation)
      case 'relate':
        return this.relate(operation)
      case 'call':
        return this.call(operation)
      case 'search':
        return this.search(operation)
      case 'traverse':
        return this.traverse(operation)
      case 'lookup':
        return this.lookup(operation)
      case 'update':
        return this.update(operation)
      case 'promote':
        return this.promote(operation)
      case 'delete':
        return this.delete(operation)
    }
  }

  store(facts: Omit<StoreOperation, 'does'>): undefined {
    this.#entries.push({ row: { ...rowOf(facts), weight: 1 }, created: this.#now, changed: this.#now })
  }

  relate({ from, relation, to, ...facts }: Omit<RelateOperation, 'does'>): undefined {
    const { name: _, ...row } = rowOf(facts)
    this.#edges.push({ from, relation, to, ...row })
  }

  call({ operator, ...facts }: Omit<CallOperation, 'does'>): undefined {
    this.#calls.push({ operator, ...rowOf(facts) })
  }

  search(asked: Omit<SearchOperation, 'does'>): readonly Entry[] {
    const { query, ranking, verb, limit } = asked
    const isFound = ({ row: { name, text, verb: own, fields } }: Stored): boolean =>
      (verb === undefined || own === verb) &&
      (query === undefined || holds(name, query) || holds(text, query)) &&
      (ranking?.by !== 'grounded' || (fields !== null && Object.hasOwn(fields, 'source')))
    const found = this.#meant(asked, ranking?.by === 'changes' ? 'changed' : 'created').filter(isFound)
    const ranked = this.#ranked(found, ranking)
    return ranked.slice(0, limit ?? ranked.length).map(({ row }) => row)
  }

  lookup(asked: Omit<LookupOperation, 'does'>): readonly Entry[] {
    const found = this.#meant(asked).sort((a, b) => b.created - a.created)
    return found.slice(0, asked.limit ?? found.length).map(({ row }) => row)
  }

  traverse({ plane, from, depth, limit }: Omit<TraverseOperation, 'does'>): readonly Reached[] {
    const steps = new Map<string, number>()
    for (let step = 1, edge = new Set([from]); step <= depth; step++) {
      const next = this.#edges.filter(one => one.plane === plane && edge.has(one.from)).map(({ to }) => to)
      edge = new Set(next.filter(name => !steps.has(name)))
      for (const name of edge) steps.set(name, step)
    }
    steps.delete(from)
    const reached = [...steps].map(([name, step]) => ({ name, step }))
    return reached.slice(0, limit ?? reached.length)
  }

  update({ text, fields, ...which }: Omit<UpdateOperation, 'does'>): undefined {
    this.#change(which, row => ({ ...row, text: text ?? null, fields: fields ?? null }))
  }

  promote(which: Omit<PromoteOperation, 'does'>): undefined {
    this.#change(which, row => ({ ...row, weight: row.weight + 1 }))
  }

  delete(which: Omit<DeleteOperation, 'does'>): undefined {
    const meant = new Set(this.#meant(which))
    this.#entries = this.#entries.filter(entry => !meant.has(entry))
  }

  #change(which: Narrowing, change: (row: Entry) => Entry): void {
    for (const entry of this.#meant(which)) Object.assign(entry, { row: change(entry.row), changed: this.#now })
  }

  #meant(
    { plane, name, tags, since, project }: Omit<Narrowing, 'name'> & { readonly name?: string | undefined },
    by: 'created' | 'changed' = 'created',
  ) {
    return this.#entries.filter(
      ({ row, [by]: at }) =>
        row.plane === plane &&
        (name === undefined || row.name === name) &&
        tags.every(tag => row.tags.includes(tag)) &&
        since.every(one => at >= this.#momentOf(one)) &&
        (project === undefined || row.project === project),
    )
  }

  #momentOf(since: Since): number {
    return 'at' in since ? since.at : this.#now - since.ago
  }

  #ranked(found: readonly Stored[], ranking: SearchOperation['ranking']): readonly Stored[] {
    const newest = [...found].sort((a, b) => b.created - a.created)
    if (ranking?.by === 'changes') return newest.sort((a, b) => b.changed - a.changed)
    if (ranking?.by === 'similar')
      return byFigure(
        newest,
        entry => ranking.words.filter(word => entry.row.name?.includes(word) || entry.row.text?.includes(word)).length,
      ).filter(entry => ranking.words.some(word => holds(entry.row.name, word) || holds(entry.row.text, word)))
    if (ranking?.by !== 'decay') return newest
    const millionths = ({ row, changed }: Stored): number =>
      (row.weight * 2_592_000_000_000) / (2_592_000 + Math.max(0, this.#now - changed))
    return byFigure(newest, millionths).filter(entry => millionths(entry) >= (ranking.threshold ?? 0))
  }
}

const byFigure = (entries: readonly Stored[], figure: (entry: Stored) => number): Stored[] =>
  [...entries].sort((a, b) => figure(b) - figure(a))

const holds = (text: string | null, part: string): boolean => text?.includes(part) ?? false

function rowOf({
  plane,
  verb,
  name,
  text,
  fields,
  tags,
  project,
  format,
}: Omit<RowFacts, 'name'> & { readonly name?: string | undefined }): Row {
  return {
    plane,
    verb: verb ?? null,
    name: name ?? null,
    text: text ?? null,
    fields: fields ?? null,
    tags: [...tags],
    project: project ?? null,
    format: format ?? null,
  }
}
