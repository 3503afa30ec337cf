-- Conflicts: claims on a customer, how they are found again, the checks with their evidence, and the mirror's state.

-- Product families of a claim as points on a line, so that "all products" (the whole line) overlaps each of them.
create type uuid_range as range (subtype = uuid, multirange_type_name = uuid_multirange);
-- A parsed body: indexes evaluate it under an empty search path.
create function family_points(family_ids uuid[]) returns uuid_multirange immutable parallel safe
return case when cardinality(family_ids) = 0 then '{(,)}'::uuid_multirange
  else (select range_agg(uuid_range(id, id, '[]')) from unnest(family_ids) as id) end;

create sequence claim_seq;
create table claim (
  id uuid primary key,
  -- Taken under the claims lock, so the order of numbers is the order of commits.
  claim_seq bigint not null unique,
  source text not null check (source in ('registration', 'opportunity', 'account')),
  -- The registration itself, or the one that a mirrored opportunity is linked to.
  deal_id uuid,
  connection_id uuid,
  remote_id text,
  partner_id uuid,
  customer_id uuid,
  canonical_id uuid,
  name text not null,
  name_key text not null,
  domain text,
  country text,
  city text,
  family_ids uuid[] not null default '{}',
  range daterange not null,
  standing text not null check (standing in ('pending', 'held', 'contested', 'closed')),
  held_at timestamptz,
  amount_minor bigint,
  currency char(3),
  stage text,
  opened_on date,
  created_at timestamptz not null default clock_timestamp(),
  check ((source = 'registration') = (connection_id is null)),
  check (source <> 'registration' or (deal_id is not null and partner_id is not null and customer_id is not null)),
  check (connection_id is null or remote_id is not null),
  check (standing <> 'held' or source <> 'registration' or held_at is not null),
  constraint claim_one_holder exclude using gist
    (canonical_id with =, family_points(family_ids) with &&, range with &&)
    where (standing = 'held' and source = 'registration')
);
create unique index claim_of_deal on claim (deal_id) where source = 'registration';
create index claim_linked_deal on claim (deal_id) where source = 'opportunity' and deal_id is not null;
create unique index claim_of_remote on claim (connection_id, source, remote_id) where source <> 'registration';
create index claim_of_customer on claim (canonical_id, id) where standing <> 'closed';
select hide_from_partners('claim');

-- Under which keys a live claim is found. An index, not a record: no foreign key, rewritten with its claim.
create table claim_key (
  key text not null,
  claim_id uuid not null,
  primary key (key, claim_id)
);
create index claim_key_claim on claim_key (claim_id);
select hide_from_partners('claim_key');

-- Customers that were merged into another, as far as claims know; written under the claims lock.
create table claim_customer_alias (
  customer_id uuid primary key,
  canonical_id uuid not null
);
create index claim_customer_alias_canonical on claim_customer_alias (canonical_id);
select hide_from_partners('claim_customer_alias');

create table conflict_check (
  id uuid primary key,
  purpose text not null check (purpose in ('submit', 'question', 'watch')),
  deal_id uuid,
  partner_id uuid,
  verdict text not null check (verdict in ('clear', 'suspected')),
  reasons text[] not null,
  rule_version integer not null,
  -- Every claim up to this number was in sight.
  claim_seq_horizon bigint not null,
  claim_seq bigint,
  mirror text not null check (mirror in ('none', 'fresh', 'stale')),
  subject jsonb not null,
  -- The best candidates, each with key, score, evidence and the claim as it was scored, and how many there were.
  candidates jsonb not null,
  candidates_found integer not null,
  checked_at timestamptz not null,
  duration_ms integer not null
);
create index conflict_check_deal on conflict_check (deal_id, id) where deal_id is not null;
create index conflict_check_question on conflict_check (partner_id, checked_at) where purpose = 'question';
select hide_from_partners('conflict_check');
select make_append_only('conflict_check');

create table conflict_decision (
  id uuid primary key,
  deal_id uuid not null,
  check_id uuid not null references conflict_check,
  decision text not null check (decision in ('override', 'uphold')),
  reason text not null check (length(reason) >= 10),
  decided_by text not null,
  decided_by_name text not null,
  decided_at timestamptz not null
);
create index conflict_decision_deal on conflict_decision (deal_id, id);
select hide_from_partners('conflict_decision');
select make_append_only('conflict_decision');

create table mirror_source (
  connection_id uuid not null,
  object text not null,
  required boolean not null,
  complete boolean not null,
  refreshed_at timestamptz,
  max_age_s integer not null check (max_age_s > 0),
  primary key (connection_id, object)
);
select hide_from_partners('mirror_source');

-- Claims that appeared or changed sides after others were checked: to be compared again, outside of the claims lock.
create table conflict_watch (
  claim_id uuid primary key,
  marked_at timestamptz not null default clock_timestamp()
);
create index conflict_watch_age on conflict_watch (marked_at);
select hide_from_partners('conflict_watch');
