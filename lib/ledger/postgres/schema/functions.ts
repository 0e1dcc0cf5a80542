import {
  book,
  chainJson,
  changeAll,
  chainNames,
  definer,
  findClosed,
  keepPromise,
  largest,
  lockChain,
  nextNumber,
  readClock,
  refuse,
  refuseMisfit,
  shortJson,
  storeChain,
  takeBackAll,
  walk,
  writeEntry,
} from './blocks.js'

const pathOf = (id: string): string => `select z.path from account z where z.id = ${id}`
const holdJson = `row_to_json(h)`
const holdMore = `'hold', ${holdJson}`

const openAccount = definer(
  `open_account(p_id text, p_parent text, p_delegated boolean, p_nano_usd bigint, p_tokens bigint, p_window text, p_fence bigint,
  p_parent_fence bigint, p_promise text)`,
  `${chainNames} a account; asked bigint; has_fence bigint;`,
  `${keepPromise}
  if p_parent is not null then
    select fence into has_fence from account where id = p_parent;
    if not found then ${refuse('parent_not_found', 'p_parent')} end if;
    if p_delegated and p_parent_fence < has_fence then ${refuse('fenced', 'p_parent')} end if;
  end if;
  loop
    ${lockChain(pathOf('p_id'))}
    if n > 0 then
      select * into a from account where key = keys[n];
      if a.opened_delegated <> p_delegated then ${refuse('exists_with_different_flags', 'p_id')} end if;
      if a.parent is distinct from p_parent then ${refuse('exists_with_different_parent', 'p_id')} end if;
      if a.window_id is distinct from p_window then ${refuse('exists_with_different_window', 'p_id')} end if;
      if a.opened_nano_usd <> p_nano_usd or a.opened_tokens <> p_tokens then ${refuse('exists_with_different_amount', 'p_id')} end if;
      if p_fence < a.fence then ${refuse('fenced', 'p_id')} end if;
      if p_fence > a.fence then
        ${nextNumber}
        update account set fence = p_fence where key = a.key;
        insert into entry (seq, at, op, account, id, nano_usd, tokens, detail)
        values (number, now_ms, 'fence', a.key, p_id, 0, 0, json_build_object('fence', p_fence));
        fences[n] := p_fence;
      end if;
      return json_build_object('repeated', true, 'chain', ${chainJson});
    end if;
    if p_parent is null then
      n := 0; keys := '{}';
    else
      ${lockChain(pathOf('p_parent'))}
      if p_delegated and p_parent_fence < fences[n] then ${refuse('fenced', 'p_parent')} end if;
      ${findClosed}
      if p_delegated then
        ${walk(0, 'greatest(p_nano_usd, 0)')}
        ${walk(1, 'greatest(p_tokens, 0)')}
      end if;
      ${refuseMisfit}
    end if;
    asked := nextval('account_key');
    insert into account (key, id, parent, path, window_id, opened_delegated, opened_nano_usd, opened_tokens, fence,
      nano_usd_allocated, nano_usd_drawn, tokens_allocated, tokens_drawn, plain)
    values (asked, p_id, p_parent, keys || asked, p_window, p_delegated, p_nano_usd, p_tokens, p_fence,
      nullif(p_nano_usd, -1), p_delegated and p_nano_usd >= 0, nullif(p_tokens, -1), p_delegated and p_tokens >= 0,
      not p_delegated and coalesce((select plain from account where id = p_parent), true))
    on conflict (id) do nothing;
    continue when not found;
    if p_delegated then
      ${book(0, '0', '0', 'greatest(p_nano_usd, 0)')}
      ${book(1, '0', '0', 'greatest(p_tokens, 0)')}
      ${storeChain}
    end if;
    ${nextNumber}
    insert into entry (seq, at, op, account, id, nano_usd, tokens, parent)
    values (number, now_ms, case when p_delegated then 'delegate' else 'open' end, asked, p_id, p_nano_usd, p_tokens, p_parent);
    ${lockChain(pathOf('p_id'))}
    return json_build_object('repeated', false, 'chain', ${chainJson});
  end loop;`,
)

const repeatedReserve = `
    select * into h from hold where id = p_id;
    if found then
      if h.account <> keys[n] then ${refuse('exists_with_different_account', '(select id from account where key = h.account)', `'owner', (select id from account where key = h.account), ${holdMore}`)} end if;
      if h.nano_usd <> p_nano_usd or h.tokens <> p_tokens then ${refuse('exists_with_different_amount', 'p_account', `'owner', p_account, ${holdMore}`)} end if;
      return json_build_object('repeated', true, 'account', p_account, ${holdMore}, 'chain', ${chainJson});
    end if;`

const heldMore = { nano_usd_held: 'p_nano_usd', tokens_held: 'p_tokens' }

/** Has an amount of a unit fitted into one level? As `walk`, which asks nothing of an amount of nothing. */
const fits = (unit: string): string => {
  const committed = `t.${unit}_spent + t.${unit}_held + t.${unit}_delegated`
  return `(p_${unit} = 0 or ${committed} <= least(coalesce(t.${unit}_allocated, ${largest}), ${largest}))`
}

const insertHold = `insert into hold (id, account, state, nano_usd, tokens, forced, at)
      values (h.id, h.account, h.state, h.nano_usd, h.tokens, h.forced, h.at) on conflict (id) do nothing;`

const reserved = writeEntry(
  'op, account, id, nano_usd, tokens, forced, prices, detail',
  'h.at',
  "'reserve', h.account, p_id, p_nano_usd, p_tokens, h.forced, p_prices, p_detail",
)

/** Of one level: nobody has taken over the account. */
const isUnfenced = 'not (t.id = p_account and p_fence < t.fence)'

const reserve = definer(
  `reserve(p_account text, p_fence bigint, p_id text, p_nano_usd bigint, p_tokens bigint, p_force boolean, p_prices text, p_detail json,
  p_promise text)`,
  `${chainNames} h hold; missed json;`,
  `${keepPromise}
  select z.path, z.plain into way, is_plain from account z where z.id = p_account;
  h.id := p_id; h.account := way[cardinality(way)]; h.state := 'held'; h.nano_usd := p_nano_usd; h.tokens := p_tokens; h.forced := false;
  h.at := floor(extract(epoch from clock_timestamp()) * 1000);
  if is_plain and not p_force then
    ${changeAll(heldMore, `not t.closed and ${isUnfenced} and ${fits('nano_usd')} and ${fits('tokens')}`)}
    if is_done then
      ${insertHold}
      if found then
        ${reserved}
        return json_build_object('repeated', false, 'account', p_account, ${holdMore}, 'levels', levels);
      end if;
      ${takeBackAll(heldMore)}
    end if;
  end if;
  ${lockChain(pathOf('p_account'))}
  if n = 0 then ${refuse('account_not_found', 'p_account')} end if;
  if p_fence < fences[n] then ${refuse('fenced', 'p_account')} end if;
  ${findClosed}
  ${walk(0, 'p_nano_usd')}
  ${walk(1, 'p_tokens')}
  if short is not null and p_force then missed := ${shortJson}; short := null; end if;
  if closed_at is not null or short is not null or over then
    ${repeatedReserve}
    ${refuseMisfit}
  end if;
  h.forced := missed is not null;
  ${insertHold}
  if not found then
    ${repeatedReserve}
    raise exception 'the hold was made by another transaction and is not to be seen' using errcode = '40001';
  end if;
  ${book(0, '0', 'p_nano_usd', '0')}
  ${book(1, '0', 'p_tokens', '0')}
  ${storeChain}
  ${reserved}
  return json_build_object('repeated', false, 'account', p_account, ${holdMore}, 'exceeded', missed, 'chain', ${chainJson});`,
)

const ended = {
  nano_usd_held: '-was_nano_usd',
  tokens_held: '-was_tokens',
  nano_usd_spent: 'cost_nano_usd',
  tokens_spent: 'cost_tokens',
}

/** Every end of a hold, and its mark. `p_account` is null for an operator's decision. */
const endHold = definer(
  `end_hold(p_op text, p_account text, p_fence bigint, p_id text, p_nano_usd bigint, p_tokens bigint, p_certainty text, p_prices text,
  p_detail json, p_promise text)`,
  `${chainNames} h hold; state_then text := case p_op when 'unknown' then 'unknown' when 'settle' then 'settled'
    when 'reconcile.settle' then 'settled' else 'released' end; was_nano_usd bigint; was_tokens bigint; cost_nano_usd bigint; cost_tokens bigint;`,
  `${keepPromise}
  if p_op in ('settle', 'release') then
    select z.path, z.plain, y.nano_usd, y.tokens into way, is_plain, was_nano_usd, was_tokens
    from hold y join account z on z.key = y.account where y.id = p_id and z.id = p_account and y.state = 'held';
    cost_nano_usd := case p_op when 'settle' then p_nano_usd else 0 end;
    cost_tokens := case p_op when 'settle' then p_tokens else 0 end;
    if is_plain and cost_nano_usd <= was_nano_usd and cost_tokens <= was_tokens then
      ${changeAll(ended, isUnfenced)}
      if is_done then
        update hold y set state = state_then, actual_nano_usd = case p_op when 'settle' then p_nano_usd end,
          actual_tokens = case p_op when 'settle' then p_tokens end, certainty = case p_op when 'settle' then p_certainty end
        where y.id = p_id and y.state = 'held' returning y.* into h;
        if found then
          ${readClock}
          ${writeEntry('op, account, id, nano_usd, tokens, prices, detail', 'now_ms', 'p_op, h.account, p_id, coalesce(h.actual_nano_usd, h.nano_usd), coalesce(h.actual_tokens, h.tokens), p_prices, p_detail')}
          return json_build_object('repeated', false, 'account', p_account, ${holdMore}, 'levels', levels);
        end if;
        ${takeBackAll(ended)}
      end if;
    end if;
  end if;
  ${lockChain('select z.path from hold y join account z on z.key = y.account where y.id = p_id')}
  if n = 0 then ${refuse('hold_not_found', "coalesce(p_account, '')")} end if;
  select * into h from hold where id = p_id;
  if p_account <> ids[n] then ${refuse('exists_with_different_account', 'ids[n]', `'owner', ids[n], ${holdMore}`)} end if;
  if h.state in ('settled', 'released') then
    if h.state <> state_then and h.state = 'settled' then ${refuse('already_settled', 'ids[n]', `'owner', ids[n], ${holdMore}`)} end if;
    if h.state <> state_then then ${refuse('already_released', 'ids[n]', `'owner', ids[n], ${holdMore}`)} end if;
    if h.state = 'settled' and (h.actual_nano_usd <> p_nano_usd or h.actual_tokens <> p_tokens) then
      ${refuse('exists_with_different_amount', 'ids[n]', `'owner', ids[n], ${holdMore}`)}
    end if;
    return json_build_object('repeated', true, 'account', ids[n], ${holdMore}, 'chain', ${chainJson});
  end if;
  if p_account is null and h.state <> 'unknown' then ${refuse('hold_is_not_unknown', 'ids[n]', `'owner', ids[n], ${holdMore}`)} end if;
  if p_account is not null then
    if p_fence < fences[n] then ${refuse('fenced', 'ids[n]')} end if;
    if h.state = 'unknown' and p_op = 'release' then ${refuse('hold_is_unknown', 'ids[n]', `'owner', ids[n], ${holdMore}`)} end if;
    if h.state = 'unknown' and p_op = 'unknown' then
      return json_build_object('repeated', true, 'account', ids[n], ${holdMore}, 'chain', ${chainJson});
    end if;
  end if;
  h.state := state_then;
  if state_then = 'settled' then
    ${walk(0, 'p_nano_usd - h.nano_usd')}
    ${walk(1, 'p_tokens - h.tokens')}
    if over then
      select * into h from hold where id = p_id;
      ${refuse('overflows_total', 'ids[n]', `'owner', ids[n], ${holdMore}`)}
    end if;
    h.actual_nano_usd := p_nano_usd; h.actual_tokens := p_tokens; h.certainty := p_certainty;
    ${book(0, 'p_nano_usd', '-h.nano_usd', '0')}
    ${book(1, 'p_tokens', '-h.tokens', '0')}
  elsif state_then = 'released' then
    ${book(0, '0', '-h.nano_usd', '0')}
    ${book(1, '0', '-h.tokens', '0')}
  end if;
  ${storeChain}
  update hold set state = h.state, actual_nano_usd = h.actual_nano_usd, actual_tokens = h.actual_tokens, certainty = h.certainty
  where id = p_id;
  ${nextNumber}
  insert into entry (seq, at, op, account, id, nano_usd, tokens, overran, prices, detail)
  values (number, now_ms, p_op, keys[n], p_id, coalesce(h.actual_nano_usd, h.nano_usd), coalesce(h.actual_tokens, h.tokens),
    coalesce(h.actual_nano_usd > h.nano_usd or h.actual_tokens > h.tokens, false), p_prices, p_detail);
  return json_build_object('repeated', false, 'account', ids[n], ${holdMore}, 'chain', ${chainJson});`,
)

/** The rest of a drawn unit goes back, and the unit becomes a shared one. */
const handBack = (unit: 0 | 1, rest: string): string => `
    j := ${unit} * n + n;
    if drawn[j] then
      need := spents[j] + helds[j] + parts[j];
      ${rest} := greatest(0, caps[j] - need);
      more := greatest(caps[j], need);
      drawn[j] := false; back[j] := true; caps[j] := need;
      ${book(unit, `spents[${unit} * n + n]`, `helds[${unit} * n + n]`, `parts[${unit} * n + n] - more`, 'n - 1')}
    end if;`

const returnDelegation = definer(
  'return_delegation(p_account text, p_fence bigint, p_promise text)',
  `${chainNames} rest_nano_usd bigint := 0; rest_tokens bigint := 0; repeated boolean;`,
  `${keepPromise}
  ${lockChain(pathOf('p_account'))}
  if n = 0 then ${refuse('account_not_found', 'p_account')} end if;
  if p_fence < fences[n] then ${refuse('fenced', 'p_account')} end if;
  repeated := shut[n];
  if repeated then
    select returned_nano_usd, returned_tokens into rest_nano_usd, rest_tokens from account where key = keys[n];
  else
    ${handBack(0, 'rest_nano_usd')}
    ${handBack(1, 'rest_tokens')}
    top := least(top, n);
    ${storeChain}
    update account set closed = true, returned_nano_usd = rest_nano_usd, returned_tokens = rest_tokens where key = keys[n];
    shut[n] := true;
    ${nextNumber}
    insert into entry (seq, at, op, account, id, nano_usd, tokens)
    values (number, now_ms, 'return', keys[n], p_account, rest_nano_usd, rest_tokens);
  end if;
  return json_build_object('repeated', repeated, 'returned', json_build_object('nanoUsd', rest_nano_usd, 'tokens', rest_tokens),
    'chain', ${chainJson});`,
)

/** May a unit's cap become `cap` (-1: none)? */
const recappable = (unit: 0 | 1, cap: string): string => `
  j := ${unit} * n + n;
  if drawn[j] and ${cap} is not null then
    if ${cap} = -1 then ${refuse('delegation_must_be_finite', 'p_account')} end if;
    before := spents[j] + helds[j] + parts[j];
    more := greatest(${cap}, before) - greatest(caps[j], before);
    ${walk(unit, 'more', 'n - 1')}
    if over and short is null then ${refuse('overflows_total', 'ids[n - 1]')} end if;
    ${refuseMisfit}
  end if;`

const recap = (unit: 0 | 1, cap: string): string => `
  if ${cap} is not null then
    j := ${unit} * n + n;
    before := spents[j] + helds[j] + parts[j];
    more := case when drawn[j] then greatest(${cap}, before) - greatest(caps[j], before) else 0 end;
    caps[j] := nullif(${cap}, -1);
    ${book(unit, '0', '0', 'more', 'n - 1')}
  end if;`

const adjust = definer(
  `adjust(p_account text, p_id text, p_nano_usd bigint, p_tokens bigint, p_version bigint, p_prices text, p_detail json, p_promise text)`,
  `${chainNames} c change;`,
  `${keepPromise}
  ${lockChain(pathOf('p_account'))}
  if n = 0 then ${refuse('account_not_found', 'p_account')} end if;
  select * into c from change where id = p_id;
  if found then
    if c.account <> keys[n] then ${refuse('exists_with_different_account', '(select id from account where key = c.account)')} end if;
    if c.nano_usd is distinct from p_nano_usd or c.tokens is distinct from p_tokens then
      ${refuse('exists_with_different_amount', 'p_account')}
    end if;
    return json_build_object('repeated', true, 'chain', ${chainJson});
  end if;
  ${findClosed}
  if closed_at is not null then ${refuse('account_closed', 'closed_at')} end if;
  if p_version <> versions[n] then ${refuse('version_mismatch', 'p_account')} end if;
  ${recappable(0, 'p_nano_usd')}
  ${recappable(1, 'p_tokens')}
  insert into change (id, account, nano_usd, tokens) values (p_id, keys[n], p_nano_usd, p_tokens) on conflict (id) do nothing;
  if not found then
    raise exception 'the change was made by another transaction' using errcode = '40001';
  end if;
  ${recap(0, 'p_nano_usd')}
  ${recap(1, 'p_tokens')}
  versions[n] := versions[n] + 1;
  top := least(top, n);
  ${storeChain}
  update account set version = versions[n] where key = keys[n];
  ${nextNumber}
  insert into entry (seq, at, op, account, id, nano_usd, tokens, prices, detail)
  values (number, now_ms, 'adjust', keys[n], p_id, p_nano_usd, p_tokens, p_prices, p_detail);
  return json_build_object('repeated', false, 'chain', ${chainJson});`,
)

const reader = (signature: string, query: string): string => `
create or replace function ${signature} returns json language sql stable security definer set search_path from current as $body$
${query}
$body$;`

const holdRow = `json_build_object('account', a.id, 'hold', row_to_json(h))`
const openHolds = `hold h join account a on a.key = h.account where h.state in ('held', 'unknown')`

const readers: readonly string[] = [
  reader(
    'read_accounts(p_account text)',
    `
  select coalesce(json_agg(row_to_json(a) order by a.key), '[]') from account a
  where p_account is null or a.key = any ((select path from account where id = p_account)::bigint[])`,
  ),
  reader(
    'read_history(p_account text, p_after bigint, p_limit bigint)',
    `
  select coalesce(json_agg(row_to_json(x) order by x.seq), '[]') from (
    select e.seq, e.at, e.op, a.id as account, e.id, e.nano_usd, e.tokens, e.parent, e.forced, e.overran, e.prices, e.detail
    from entry e join account a on a.key = e.account
    where e.seq > p_after and (p_account is null or e.account = (select key from account where id = p_account))
    order by e.seq limit p_limit) x`,
  ),
  reader(
    'read_holds(p_account text, p_state text)',
    `
  select coalesce(json_agg(${holdRow} order by h.seq), '[]') from ${openHolds}
    and (p_account is null or a.id = p_account) and (p_state is null or h.state = p_state)`,
  ),
  reader(
    'read_oldest()',
    `
  select json_build_object('account', x.account, 'hold', x.hold, 'now', floor(extract(epoch from clock_timestamp()) * 1000)) from (
    select a.id as account, row_to_json(h) as hold from ${openHolds} order by h.seq limit 1) x`,
  ),
]

/** All functions, made anew by a migration. */
export const functions: string = [openAccount, reserve, endHold, returnDelegation, adjust, ...readers].join('\n')
