const row = (table: string): string => `DEFINE FIELD plane ON ${table} TYPE string;
DEFINE FIELD verb ON ${table} TYPE option<string>;
DEFINE FIELD text ON ${table} TYPE option<string>;
DEFINE FIELD fields ON ${table} TYPE option<object> FLEXIBLE;
DEFINE FIELD tags ON ${table} TYPE array<string>;
DEFINE FIELD project ON ${table} TYPE option<string>;
DEFINE FIELD format ON ${table} TYPE option<string>;
DEFINE FIELD created ON ${table} TYPE int;
`

const entries = (table: string): string => `DEFINE TABLE ${table} SCHEMAFULL;
${row(table)}DEFINE FIELD name ON ${table} TYPE option<string>;
DEFINE FIELD weight ON ${table} TYPE int;
DEFINE FIELD changed ON ${table} TYPE int;
DEFINE INDEX ${table}_name ON ${table} FIELDS plane, name;
`

/** The tables that the output of `surrealql` runs against. Times are Unix seconds; a node of the graph is `ctx_node:[plane, name]`. */
export const surrealqlSchema: string = `${['ctx_memory', 'ctx_knowledge', 'ctx_document'].map(entries).join('')}DEFINE TABLE ctx_call SCHEMAFULL;
${row('ctx_call')}DEFINE FIELD operator ON ctx_call TYPE string;
DEFINE FIELD name ON ctx_call TYPE option<string>;
DEFINE TABLE ctx_node SCHEMAFULL;
DEFINE TABLE ctx_edge TYPE RELATION IN ctx_node OUT ctx_node SCHEMAFULL;
${row('ctx_edge')}DEFINE FIELD relation ON ctx_edge TYPE string;
`
