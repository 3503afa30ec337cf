-- The ledger: accounts with their balances, entries and postings; the seals that chain the history.

-- The id is derived from kind, owner, currency and stripe, so whoever posts knows it without asking and one upsert both
-- opens an account and moves its balance. Balance = credits - debits: positive is owed to the owner.
-- Accounts of the vendor are kept in stripes, so that postings do not queue for one row; their balance is the sum.
create table ledger_account (
  id uuid not null,
  kind text not null,
  partner_id uuid,
  currency char(3) not null,
  stripe smallint not null,
  balance_minor bigint not null,
  primary key (id, currency),
  check ((kind like 'partner\_%') = (partner_id is not null))
) with (fillfactor = 50);
create index ledger_account_owner on ledger_account (partner_id, currency, kind);
select isolate_partner_rows('ledger_account', 'partner_id');

-- Ids and figures only, no names: history is never edited, so it must hold nothing that a person may ask us to forget.
create table ledger_entry (
  id uuid primary key,
  posted_at timestamptz not null default clock_timestamp(),
  effective_on date not null,
  period char(7) not null check (period ~ '^\d{4}-(0[1-9]|1[0-2])$'),
  kind text not null,
  cause text not null unique,
  partner_id uuid,
  deal_id uuid,
  plan_version_id uuid,
  plan_line text,
  adjusts uuid references ledger_entry,
  reverses uuid references ledger_entry,
  basis jsonb not null,
  content_hash bytea not null
);
create index ledger_entry_statement on ledger_entry (partner_id, period, id);
create index ledger_entry_deal on ledger_entry (deal_id) where deal_id is not null;
create unique index ledger_entry_reversed_once on ledger_entry (reverses) where reverses is not null;
create index ledger_entry_posted on ledger_entry using brin (posted_at) with (pages_per_range = 16);
select isolate_partner_rows('ledger_entry', 'partner_id');
select make_append_only('ledger_entry');

create table ledger_posting (
  entry_id uuid not null references ledger_entry,
  line smallint not null,
  debit_account uuid not null,
  credit_account uuid not null,
  amount_minor bigint not null check (amount_minor > 0),
  currency char(3) not null,
  primary key (entry_id, line),
  foreign key (debit_account, currency) references ledger_account (id, currency),
  foreign key (credit_account, currency) references ledger_account (id, currency),
  check (debit_account <> credit_account)
);
alter table ledger_posting enable row level security;
alter table ledger_posting force row level security;
create policy own_rows on ledger_posting to counterpart_app using (
  current_setting('app.wide', true) = 'on' or exists (select from ledger_entry where id = entry_id)
);
create policy all_rows on ledger_posting to counterpart_system using (true);
select make_append_only('ledger_posting');

-- Posts any number of entries with one round trip whose plan the server keeps: what is new by its cause is written with
-- its postings, and the accounts are opened and moved by one upsert in the order of their ids, so that two batches never
-- wait for each other in a circle. The arguments are lists of rows, named as in the code. Returns the ids that are new.
create function post_entries(entries jsonb, postings jsonb, accounts jsonb) returns setof uuid language plpgsql as $$
#variable_conflict use_column
begin
  return query
  with inserted as (
    insert into ledger_entry
      (id, effective_on, period, kind, cause, partner_id, deal_id, plan_version_id, plan_line, adjusts, reverses, basis, content_hash)
    select id, "effectiveOn", period, kind, cause, "partnerId", "dealId", "planVersionId", "planLine", adjusts, reverses,
           basis, decode("contentHash", 'hex')
    from jsonb_to_recordset(entries) as e (
      id uuid, "effectiveOn" date, period text, kind text, cause text, "partnerId" uuid, "dealId" uuid,
      "planVersionId" uuid, "planLine" text, adjusts uuid, reverses uuid, basis jsonb, "contentHash" text)
    order by cause
    on conflict (cause) do nothing
    returning id
  ), posting as (
    select p.*
    from jsonb_to_recordset(postings) as p (
      "entryId" uuid, line smallint, debit uuid, credit uuid, amount bigint, currency text)
    join inserted on inserted.id = p."entryId"
  ), written as (
    insert into ledger_posting (entry_id, line, debit_account, credit_account, amount_minor, currency)
    select "entryId", line, debit, credit, amount, currency from posting
  ), moved as (
    select account_id, sum(delta) as delta
    from (select debit, -amount from posting union all select credit, amount from posting) as m (account_id, delta)
    group by account_id
  ), balanced as (
    insert into ledger_account (id, kind, partner_id, currency, stripe, balance_minor)
    select a.id, a.kind, a."partnerId", a.currency, a.stripe, moved.delta
    from jsonb_to_recordset(accounts) as a (id uuid, kind text, "partnerId" uuid, currency text, stripe smallint)
    join moved on moved.account_id = a.id
    order by a.id
    on conflict (id, currency) do update set balance_minor = ledger_account.balance_minor + excluded.balance_minor
  )
  select id from inserted;
end $$;

-- Seals chain the rows of a journal (the ledger, the audit trail) in batches. Only the sealer writes here, so the rows
-- themselves are never touched again. hash = sha256(previous_hash, then id, time and content hash of every member).
create table seal (
  journal text not null,
  number bigint not null,
  sealed_at timestamptz not null default clock_timestamp(),
  entry_count integer not null check (entry_count > 0),
  previous_hash bytea not null,
  hash bytea not null,
  primary key (journal, number)
);
create table seal_member (
  journal text not null,
  entry_id uuid not null,
  seal_number bigint not null,
  position integer not null,
  primary key (journal, entry_id),
  unique (journal, seal_number, position),
  foreign key (journal, seal_number) references seal (journal, number)
);
-- Every row recorded before `since` is sealed. `since` moves to `next_since` once every transaction that was open then
-- (all below `next_xid`) has ended and what it left was sealed.
create table seal_window (
  journal text primary key,
  since timestamptz not null,
  next_since timestamptz not null,
  next_xid xid8 not null
);
select hide_from_partners('seal');
select hide_from_partners('seal_member');
select hide_from_partners('seal_window');
revoke insert, update, delete on seal, seal_member, seal_window from counterpart_app;
select make_append_only('seal');
select make_append_only('seal_member');
