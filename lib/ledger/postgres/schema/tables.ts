/** The tables. Only the functions write to them, so they carry no foreign keys: each function looks up what it refers to. */
export const tables: string = `
create sequence account_key;

create table account (
  key bigint primary key,
  id text collate "C" not null unique,
  parent text collate "C",
  path bigint[] not null,
  plain boolean not null,
  window_id text,
  opened_delegated boolean not null,
  opened_nano_usd bigint not null,
  opened_tokens bigint not null,
  fence bigint not null,
  version bigint not null default 0,
  closed boolean not null default false,
  returned_nano_usd bigint not null default 0,
  returned_tokens bigint not null default 0,
  nano_usd_allocated bigint,
  nano_usd_spent bigint not null default 0,
  nano_usd_held bigint not null default 0,
  nano_usd_delegated bigint not null default 0,
  nano_usd_drawn boolean not null,
  nano_usd_handed_back boolean not null default false,
  tokens_allocated bigint,
  tokens_spent bigint not null default 0,
  tokens_held bigint not null default 0,
  tokens_delegated bigint not null default 0,
  tokens_drawn boolean not null,
  tokens_handed_back boolean not null default false
) with (fillfactor = 40, autovacuum_vacuum_threshold = 500, autovacuum_analyze_threshold = 500);
comment on table account is 'An account of the ledger. Amounts are integers: nano-USD (10^-9 USD) and tokens. allocated is null without a cap; opened_* is -1 without one.';
comment on column account.path is 'Keys from the root to the account itself; never changes.';
comment on column account.plain is 'Nothing from the root to the account was ever set aside: what counts here counts at each level. Never changes.';
comment on column account.nano_usd_drawn is 'The part is set aside in the parent''s delegated; otherwise spent and held count at the parent, too.';

create sequence hold_order;
create table hold (
  id text collate "C" primary key,
  account bigint not null,
  seq bigint not null default nextval('hold_order'),
  state text not null check (state in ('held', 'unknown', 'settled', 'released')),
  nano_usd bigint not null,
  tokens bigint not null,
  actual_nano_usd bigint,
  actual_tokens bigint,
  forced boolean not null,
  certainty text,
  at bigint not null
) with (fillfactor = 80);
comment on table hold is 'What was held for a call, and what became of it. seq: the order in which they were made. at: milliseconds since 1970.';
create index hold_open on hold (seq) where state in ('held', 'unknown');

create table entry (
  seq bigint primary key,
  at bigint not null,
  op text not null,
  account bigint not null,
  id text not null,
  nano_usd bigint,
  tokens bigint,
  parent text,
  forced boolean not null default false,
  overran boolean not null default false,
  prices text,
  detail json
);
comment on table entry is 'The history: one row a change, without gaps. Amounts: -1 is unlimited, null is unchanged.';
create index entry_account on entry (account, seq);

create table change (
  id text collate "C" primary key,
  account bigint not null,
  nano_usd bigint,
  tokens bigint
);
comment on table change is 'Changes of caps that were made. Amounts as in entry.';

create table counter (only_row boolean primary key default true check (only_row), seq bigint not null) with (fillfactor = 10);
insert into counter (seq) values (0);
`
