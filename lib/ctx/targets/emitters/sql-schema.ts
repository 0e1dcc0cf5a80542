/** Of the days between the Julian epoch and 1970. */
const unixEpoch = 2_440_588

const digits = (from: number, count: number): string => `CAST(substr(t, ${from}, ${count}) AS BIGINT)`
const [year, month, day] = [digits(1, 4), digits(6, 2), digits(9, 2)]
/** Whole number of days of a date of the Gregorian calendar (Fliegel and Van Flandern, CACM 11, 1968); division cuts off on both engines. */
const days = `(1461 * (${year} + 4800 + (${month} - 14) / 12)) / 4 + (367 * (${month} - 2 - 12 * ((${month} - 14) / 12))) / 12
    - (3 * ((${year} + 4900 + (${month} - 14) / 12) / 100)) / 4 + ${day} - 32075 - ${unixEpoch}`

/** PostgreSQL writes the zone of the session behind the time: +00, -03, +05:30. SQLite writes UTC, and none. */
const zone = (at: string, minutes: string): string =>
  `(CASE substr(t, ${at}, 1) WHEN '-' THEN -1 ELSE 1 END) * (CAST(substr(t, ${at} + 1, 2) AS BIGINT) * 3600 + ${minutes})`
const offset = `CASE
      WHEN substr(t, length(t) - 2, 1) IN ('+', '-') THEN ${zone('length(t) - 2', '0')}
      WHEN substr(t, length(t) - 5, 1) IN ('+', '-') THEN ${zone('length(t) - 5', 'CAST(substr(t, length(t) - 1, 2) AS BIGINT) * 60')}
      ELSE 0
    END`

/** An index holds the beginning of a text: PostgreSQL puts no more than 2,704 bytes into one, and a name may have more. */
export const beginning = (column: string): string => `substr(${column}, 1, 256)`

const said = `plane TEXT NOT NULL,
  verb TEXT,`
const carried = `text TEXT,
  fields TEXT,
  tags TEXT NOT NULL,
  project TEXT,
  format TEXT,`

/**
 * The tables that the output of `sql` runs against, the same text for SQLite and PostgreSQL. Times are Unix seconds; `fields` is a JSON
 * object and `tags` a JSON array, in which a quote and a comma within a string are written \u0022 and \u002c: raw ones only delimit.
 */
export const sqlSchema: string = `CREATE TABLE ctx_entry (
  ${said}
  name TEXT,
  ${carried}
  weight BIGINT NOT NULL,
  created BIGINT NOT NULL,
  changed BIGINT NOT NULL
);
CREATE INDEX ctx_entry_name ON ctx_entry (plane, ${beginning('name')});
CREATE TABLE ctx_edge (
  ${said}
  source TEXT NOT NULL,
  relation TEXT NOT NULL,
  target TEXT NOT NULL,
  ${carried}
  created BIGINT NOT NULL
);
CREATE INDEX ctx_edge_source ON ctx_edge (plane, ${beginning('source')});
CREATE TABLE ctx_call (
  operator TEXT NOT NULL,
  ${said}
  name TEXT,
  ${carried}
  created BIGINT NOT NULL
);
CREATE VIEW ctx_now (seconds) AS
  SELECT (${days}) * 86400
    + ${digits(12, 2)} * 3600 + ${digits(15, 2)} * 60 + ${digits(18, 2)}
    - ${offset}
  FROM (SELECT CAST(CURRENT_TIMESTAMP AS TEXT) AS t) AS moment;
`
