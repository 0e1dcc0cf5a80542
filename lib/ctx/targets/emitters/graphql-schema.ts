import { verbs } from '../../language/grammar.js'

/** The arguments that say what a row says. */
const facts = 'plane: Plane!, verb: Verb, text: String, fields: [FieldInput!], tags: [String!]! = [], project: String, format: String'
/** The arguments that say which entries are meant. */
const narrowing = 'tags: [String!]! = [], within: [Float!]! = [], since: [Float!]! = [], project: String'
const answer = 'limit: Int, format: String'

const reads = `  """
  The entries whose name or text holds the query, newest first. Verb, tags, project, times narrow it. Without \`by\` and \`query\`: all.
  by similar: those that hold one of \`words\`, most words first. by changes: last changed first; times are about the last change then.
  by grounded: those with a field \`source\` alone. by decay: strongest first, weight × 30 d ÷ (30 d + time since the last change), those
  below \`threshold\`, in millionths, left out.
  """
  search(plane: Plane!, ${narrowing}, verb: Verb, query: String, by: Ranking, words: [String!], threshold: Float, ${answer}): [Entry!]!
  "The entries of that name, newest first."
  lookup(plane: Plane!, name: String!, ${narrowing}, ${answer}): [Entry!]!
  "The names that can be reached over at most \`depth\` edges, each with the fewest steps, nearest first; not \`from\` itself."
  traverse(plane: Plane!, from: String!, depth: Int!, ${answer}): [Reached!]!`

/** What a server offers to whom the emitter writes: in the schema definition language. */
export const graphqlSchema: string = `"""
Entries, edges between names, and calls that wait for somebody. Which entries are meant: all that the arguments say must hold; every one of
\`tags\`; stored \`within\` so many seconds before now; stored \`since\` that moment in Unix seconds.
"""
type Query {
${reads}
}

"""
Fields run one after the other. Each that changes something gives the number of entries, edges or calls that were made, changed or deleted.
An update, a promotion or a deletion is refused where nothing but the plane is given. A payload is a text or fields, never both.
"""
type Mutation {
${reads}
  "A new entry."
  store(name: String, ${facts}): Int!
  "A new edge."
  relate(from: String!, relation: String!, to: String!, ${facts}): Int!
  "Something that a tool, a skill or a model is to do."
  call(name: String, ${facts}): Int!
  "Something that an agent is to do."
  delegate(name: String, ${facts}): Int!
  "Another text, or other fields, instead of either."
  update(plane: Plane!, name: String, ${narrowing}, text: String, fields: [FieldInput!]): Int!
  "One more weight; it counts as a change."
  promote(plane: Plane!, name: String, ${narrowing}): Int!
  "Edges stay."
  delete(plane: Plane!, name: String, ${narrowing}): Int!
}

type Entry {
  plane: Plane!
  verb: Verb
  name: String
  text: String
  fields: [Field!]
  tags: [String!]!
  project: String
  format: String
  "Begins with 1."
  weight: Int!
  "When it was stored, in Unix seconds."
  created: Float!
  changed: Float!
}

type Reached {
  name: String!
  step: Int!
}

type Field {
  name: String!
  value: String!
}

input FieldInput {
  name: String!
  value: String!
}

enum Plane {
  "knowledge"
  k
  "tools"
  t
  "skills"
  s
  "memory"
  m
  "agents"
  a
  "inspection"
  i
  "the language model"
  l
}

enum Verb { ${verbs.join(' ')} }

enum Ranking { similar changes grounded decay }
`
