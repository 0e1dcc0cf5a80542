// The readers of PGlite and SurrealDB drop a byte order mark at the start of a text that the database has kept. To be imported before them.
globalThis.TextDecoder = class extends TextDecoder {
  constructor(label, options) {
    super(label, { ...options, ignoreBOM: true })
  }
}
