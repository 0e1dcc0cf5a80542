/**
 * Pieces of PL/pgSQL that the functions are put together from. A chain is an account with all above it, in arrays: element `i` is the level
 * (1 the root, `n` the account); amounts have nano-USD at `i` and tokens at `n + i`.
 */

/** The largest total: 2^53 - 1. */
export const largest = 9007199254740991

/** Local names of a chain. */
export const chainNames: string = `
  n int; keys bigint[]; ids text[]; shut boolean[]; fences bigint[]; versions bigint[]; windows text[];
  caps bigint[]; spents bigint[]; helds bigint[]; parts bigint[]; drawn boolean[]; back boolean[];
  i int; j int; base int; top int; before bigint; need bigint; more bigint; d_spent bigint; d_held bigint; d_part bigint;
  way bigint[]; is_plain boolean; is_done boolean; levels json; short int; wanted bigint; over boolean := false; closed_at text; now_ms bigint; number bigint;`

/** Locks the rows from the root down, always in that order, and reads them as they then are. `path`: a query of one bigint[]. */
export const lockChain = (path: string): string => `
  select count(*), array_agg(t.key), array_agg(t.id), array_agg(t.closed), array_agg(t.fence), array_agg(t.version), array_agg(t.window_id),
    array_agg(t.nano_usd_allocated) || array_agg(t.tokens_allocated), array_agg(t.nano_usd_spent) || array_agg(t.tokens_spent),
    array_agg(t.nano_usd_held) || array_agg(t.tokens_held), array_agg(t.nano_usd_delegated) || array_agg(t.tokens_delegated),
    array_agg(t.nano_usd_drawn) || array_agg(t.tokens_drawn), array_agg(t.nano_usd_handed_back) || array_agg(t.tokens_handed_back)
  into n, keys, ids, shut, fences, versions, windows, caps, spents, helds, parts, drawn, back
  from (select * from account o where o.key = any ((${path})::bigint[]) order by o.key for update) t;
  top := n + 1;`

/** The changes of one row, as columns by what is added to them. */
const added = (changes: Readonly<Record<string, string>>, sign: '+' | '-'): string =>
  Object.entries(changes)
    .map(([column, amount]) => `${column} = ${column} ${sign} (${amount})`)
    .join(', ')

/** Takes back what `changeAll` has done. */
export const takeBackAll = (changes: Readonly<Record<string, string>>): string => `
      update account set ${added(changes, '-')} where key = any (way);`

/** A level as an answer has it: what `Level` of the answers says. */
const level = [
  'id',
  'closed',
  'fence',
  'version',
  'window_id',
  ...['nano_usd', 'tokens'].flatMap(unit => ['allocated', 'spent', 'held', 'delegated'].map(part => `${unit}_${part}`)),
]

/**
 * The short way, for a `plain` account, whose path is in `way`: the same change at each level in one statement, which locks the rows in the
 * order of their keys, from the root down. `is_done`: `fits` held at each level `t` behind the change; `levels` is then what stands there. Else it
 * is taken back: all rows are locked by then, so that what follows locks none out of order.
 */
export const changeAll = (changes: Readonly<Record<string, string>>, fits: string): string => `
  with t as (update account o set ${added(changes, '+')} where o.key = any (way) returning o.*)
  select bool_and(${fits}), json_agg(json_build_array(${level.map(column => `t.${column}`).join(', ')}) order by t.key) into is_done, levels from t;
  if is_done is not true then
    ${takeBackAll(changes)}
  end if;`

/** Sets `closed_at` to the account, or the nearest above, that has ended. */
export const findClosed: string = `
  for i in reverse n..1 loop
    if shut[i] then closed_at := ids[i]; exit; end if;
  end loop;`

/**
 * Walks up with \`amount\` more of a unit: sets \`short\` to the first level where it does not fit, \`over\` where a total would no longer be
 * exact. \`unit\`: 0 nano-USD, 1 tokens.
 */
export const walk = (unit: 0 | 1, amount: string, from = 'n'): string => `
  need := ${amount};
  if need > 0 then
    for i in reverse ${from}..1 loop
      j := ${unit} * n + i;
      before := spents[j] + helds[j] + parts[j];
      if short is null and need > caps[j] - before then short := j; wanted := ${amount}; end if;
      if need > 0 and before + need > ${largest} then over := true; end if;
      if drawn[j] then need := greatest(caps[j], before + need) - greatest(caps[j], before); end if;
    end loop;
  end if;`

/** Books a change of a unit here and above: as it is through shared links, as a change of the stake through a drawn one. */
export const book = (unit: 0 | 1, spent: string, held: string, part: string, from = 'n'): string => `
  d_spent := ${spent}; d_held := ${held}; d_part := ${part};
  for i in reverse ${from}..1 loop
    exit when d_spent = 0 and d_held = 0 and d_part = 0;
    j := ${unit} * n + i;
    top := least(top, i);
    before := case when drawn[j] then greatest(caps[j], spents[j] + helds[j] + parts[j]) end;
    spents[j] := spents[j] + d_spent;
    helds[j] := helds[j] + d_held;
    parts[j] := parts[j] + d_part;
    if back[j] then caps[j] := spents[j] + helds[j] + parts[j]; end if;
    continue when not drawn[j];
    d_part := greatest(caps[j], spents[j] + helds[j] + parts[j]) - before;
    d_spent := 0; d_held := 0;
  end loop;`

/** Writes the levels from \`top\` down to the account. */
export const storeChain: string = `
  for i in top..n loop
    update account set
      nano_usd_allocated = caps[i], nano_usd_spent = spents[i], nano_usd_held = helds[i], nano_usd_delegated = parts[i],
      nano_usd_drawn = drawn[i], nano_usd_handed_back = back[i],
      tokens_allocated = caps[n + i], tokens_spent = spents[n + i], tokens_held = helds[n + i], tokens_delegated = parts[n + i],
      tokens_drawn = drawn[n + i], tokens_handed_back = back[n + i]
    where key = keys[i];
  end loop;`

/** The next number of the history: the counter's row is the last that any function locks. */
export const nextNumber: string = `
  now_ms := floor(extract(epoch from clock_timestamp()) * 1000);
  update counter set seq = seq + 1 returning seq into number;`

/** The next number, and its entry of the history, in one statement. \`values\`: of these columns behind seq and at. */
export const writeEntry = (columns: string, at: string, values: string): string => `
  with c as (update counter set seq = seq + 1 returning seq)
  insert into entry (seq, at, ${columns}) select c.seq, ${at}, ${values} from c;`

/** The time of the server, in milliseconds. */
export const readClock: string = `now_ms := floor(extract(epoch from clock_timestamp()) * 1000);`

/** The account as it is in the variables. */
export const chainJson: string = `json_build_object('ids', ids, 'caps', caps, 'spent', spents, 'held', helds, 'delegated', parts,
    'drawn', drawn, 'closed', shut[n], 'fence', fences[n], 'version', versions[n], 'window', windows[n])`

/** Where \`short\` is, as the facts of a refusal. */
export const shortJson: string = `json_build_object('account', ids[(short - 1) % n + 1], 'unit', case when short > n then 'tokens' else 'nanoUsd' end,
    'needed', wanted, 'remaining', caps[short] - spents[short] - helds[short] - parts[short], 'allocated', caps[short], 'spent', spents[short])`

/** A refusal. \`account\`: an expression. */
export const refuse = (code: string, account: string, more = ''): string =>
  `return json_build_object('code', '${code}', 'account', ${account}${more && `, ${more}`});`

/** A refusal for what is in \`closed_at\`, \`short\` and \`over\`. */
export const refuseMisfit: string = `
  if closed_at is not null then ${refuse('account_closed', 'closed_at')} end if;
  if short is not null then ${refuse('exceeds_remaining', 'ids[(short - 1) % n + 1]', `'shortfall', ${shortJson}`)} end if;
  if over then ${refuse('overflows_total', 'ids[n]')} end if;`

/**
 * Keeps the promise, or changes nothing: the commit waits for the disk (and the standby) whatever the session's default is, and each
 * statement sees what was committed before it.
 */
export const keepPromise: string = `
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'the transaction is %, and the ledger needs read committed', current_setting('transaction_isolation') using errcode = 'ORL01';
  end if;
  if p_promise <> 'none' and current_setting('fsync') = 'off' then
    raise exception 'the server runs with fsync off and would lose what it has acknowledged' using errcode = 'ORL02';
  end if;
  if p_promise = 'replicated' and current_setting('synchronous_standby_names') = '' then
    raise exception 'the server has no synchronous standby (synchronous_standby_names is empty)' using errcode = 'ORL02';
  end if;
  if p_promise <> 'none' and current_setting('synchronous_commit') not in ('on', 'remote_apply') then
    perform set_config('synchronous_commit', 'on', true);
  end if;`

/**
 * A function that only its owner's rights reach the tables through. Every row is looked up by its key, in the order of the keys, also while the tables are
 * small; a plan for each set of values would take longer than all the rest.
 */
export const definer = (signature: string, declares: string, body: string): string => `
create or replace function ${signature} returns json language plpgsql security definer
set search_path from current set enable_seqscan = off set enable_bitmapscan = off set plan_cache_mode = force_generic_plan as $body$
declare ${declares}
begin
${body}
end
$body$;`
