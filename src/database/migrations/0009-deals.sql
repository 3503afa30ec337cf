-- Deal registrations, their split between partners, what happened to them, and requests to change an approved one.

create sequence deal_number;
create function next_deal_number() returns text language sql volatile as $$
  select 'D-' || lpad(n::text, greatest(6, length(n::text)), '0') from nextval('deal_number') as n
$$;

create table deal (
  id uuid primary key,
  number text not null unique,
  partner_id uuid not null references partner,
  programme_id uuid not null references programme,
  external_ref text,
  provenance jsonb,
  submitter_id text not null,
  submitter_name text not null,

  -- The customer as the partner typed it; customer_id is whom we take it for, and no partner's business.
  company_name text not null,
  domain text,
  country char(2),
  city text,
  contact_name text,
  contact_email text,
  contact_phone text,
  need text,
  amount_minor bigint check (amount_minor >= 0),
  currency char(3),
  expected_close_date date,
  products jsonb not null,
  registration_type text,
  notes text,
  customer_id uuid references customer,

  status text not null check (status in
    ('draft', 'submitted', 'in_review', 'returned', 'approved', 'rejected', 'withdrawn', 'cancelled', 'expired')),
  conflict text check (conflict in ('clear', 'suspected', 'under_review', 'upheld', 'overridden')),
  ineligible text[] not null,
  registered_at timestamptz,
  attempt integer not null check (attempt > 0),
  previous_attempt_id uuid references deal check (previous_attempt_id <> id),

  decider_id uuid,
  decider_name text,
  review_started_at timestamptz,
  review_target_at timestamptz,
  review_overdue_at timestamptz,
  review_paused_at timestamptz,
  decided_at timestamptz,
  decided_by text,
  decision_code text,
  decision_reason text,

  -- Both days are protected, in the programme's time zone.
  protected_from date,
  protected_until date,
  protection_kept boolean not null,
  reminded_days smallint,

  outcome text not null check (outcome in ('open', 'won', 'lost')),
  outcome_revision integer not null check (outcome_revision >= 0),
  outcome_on date,
  outcome_standing text not null check (outcome_standing in
    ('expected', 'unexpected', 'recognised', 'disregarded', 'historic')),
  review_hold text,
  -- The partner asked for a change that nobody decided yet.
  change_requested boolean not null,
  stage text,

  crm_state text not null check (crm_state in ('none', 'pending', 'linked', 'merged', 'gone', 'retired')),
  crm_connection_id uuid,
  crm_remote_id text,
  crm_url text,

  plan_version_id uuid,
  tier_id uuid,

  revision integer not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,

  search text not null generated always as
    (lower(number || ' ' || company_name || ' ' || coalesce(domain, '') || ' ' || coalesce(external_ref, ''))) stored,

  check ((status = 'draft') = (registered_at is null)),
  check ((protected_from is null) = (protected_until is null) and protected_from <= protected_until),
  check (status not in ('approved', 'expired', 'cancelled') or protected_from is not null),
  check ((outcome = 'open') = (outcome_on is null)),
  check (amount_minor is null or currency is not null),
  check ((review_started_at is null) = (review_overdue_at is null))
) with (fillfactor = 80);

create unique index deal_external_ref on deal (external_ref) where external_ref is not null;
create unique index deal_next_attempt on deal (previous_attempt_id) where previous_attempt_id is not null;
create index deal_partner on deal (partner_id, id);
create index deal_status on deal (status, id);
create index deal_undecided_conflict on deal (conflict, id) where conflict in ('suspected', 'under_review', 'upheld');
create index deal_customer on deal (customer_id) where customer_id is not null;
create index deal_remote on deal (crm_connection_id, crm_remote_id) where crm_remote_id is not null;
create index deal_protection on deal (programme_id, protected_until) where status = 'approved' and outcome = 'open';
create index deal_review on deal (review_overdue_at) where status in ('submitted', 'in_review');
create index deal_search on deal using gin (search gin_trgm_ops);
select isolate_partner_rows('deal', 'partner_id');

-- The order of registrations decides who was first, so no code path may move one, ours included.
create function keep_registration() returns trigger language plpgsql as $$
begin
  if old.registered_at is not null and new.registered_at is distinct from old.registered_at then
    raise exception 'registered_at of deal % never changes', old.number using errcode = '23001';
  end if;
  if new.number <> old.number or new.attempt <> old.attempt
    or new.previous_attempt_id is distinct from old.previous_attempt_id then
    raise exception 'number and attempt of deal % never change', old.number using errcode = '23001';
  end if;
  return new;
end $$;
create trigger keep_registration before update on deal for each row execute function keep_registration();

-- Only where earnings are shared; without rows all of it is the registrant's.
create table deal_split (
  deal_id uuid not null references deal,
  partner_id uuid not null references partner,
  share_weight integer not null check (share_weight > 0),
  primary key (deal_id, partner_id)
);
create index deal_split_partner on deal_split (partner_id);
select isolate_partner_rows('deal_split', 'partner_id');

-- What people see as the history of a deal, comments included. The audit trail is kept apart.
create table deal_event (
  id uuid primary key,
  deal_id uuid not null references deal,
  partner_id uuid not null,
  recorded_at timestamptz not null,
  kind text not null,
  visibility text not null check (visibility in ('public', 'internal')),
  actor_kind text not null,
  actor_id text not null,
  actor_name text not null,
  data jsonb not null
);
create index deal_event_deal on deal_event (deal_id, id);
select isolate_partner_rows('deal_event', 'partner_id');
create policy public_only on deal_event as restrictive to counterpart_app
  using (current_setting('app.wide', true) = 'on' or visibility = 'public');

create table deal_change_request (
  id uuid primary key,
  deal_id uuid not null references deal,
  partner_id uuid not null,
  changes jsonb not null,
  reason text not null,
  requested_by text not null,
  requested_at timestamptz not null,
  status text not null check (status in ('open', 'accepted', 'declined', 'withdrawn')),
  decided_by text,
  decided_at timestamptz,
  decision_reason text
);
create unique index deal_change_request_open on deal_change_request (deal_id) where status = 'open';
create index deal_change_request_deal on deal_change_request (deal_id, id);
select isolate_partner_rows('deal_change_request', 'partner_id');
