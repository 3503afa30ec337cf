-- Conflicts as cases: who meets whom, what people say and decide, the partners' appeals, and what was learnt from it.

alter table programme add column appeal_business_days integer not null default 10
  check (appeal_business_days between 1 and 260);

create sequence conflict_case_number;
create function next_case_number() returns text language sql volatile as $$
  select 'C-' || lpad(n::text, greatest(6, length(n::text)), '0') from nextval('conflict_case_number') as n
$$;

create table conflict_case (
  id uuid primary key,
  number text not null unique default next_case_number(),
  programme_id uuid not null,
  status text not null check (status in ('open', 'decided', 'appealed', 'closed')),
  -- What brought it up: a registration, something that appeared later, customers that became one, a protection.
  cause text not null check (cause in ('submit', 'direct', 'merge', 'watch', 'protection')),
  assignee_id uuid,
  assignee_name text,
  -- The clock of the decision, and of the answer once there is an appeal.
  clock_started_at timestamptz not null,
  target_at timestamptz not null,
  overdue_at timestamptz not null,
  decided_at timestamptz,
  decided_by text,
  decided_by_name text,
  appeal_until timestamptz,
  closed_at timestamptz,
  closed_as text check (closed_as in ('decided', 'answered', 'moot', 'joined')),
  joined_into uuid references conflict_case,
  revision integer not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  check ((status = 'closed') = (closed_at is not null) and (closed_at is null) = (closed_as is null)),
  check ((closed_as is not distinct from 'joined') = (joined_into is not null))
);
create index conflict_case_status on conflict_case (status, id);
create index conflict_case_appeals_over on conflict_case (appeal_until) where status = 'decided';
create index conflict_case_joined on conflict_case (joined_into) where joined_into is not null;
select hide_from_partners('conflict_case');

-- The deals that meet in a case. Whose registration is in question sees its own row, and nothing else of the case.
create table conflict_case_deal (
  case_id uuid not null references conflict_case,
  deal_id uuid not null,
  partner_id uuid not null,
  claim_id uuid not null,
  in_question boolean not null,
  -- The case is open and says nothing on this deal yet.
  is_open boolean not null,
  joined_at timestamptz not null,
  outcome text check (outcome in
    ('upheld', 'overridden', 'transferred', 'credited', 'shared', 'apart', 'ended', 'cleared')),
  message text,
  decided_at timestamptz,
  appeal_until timestamptz,
  appealed_at timestamptz,
  appeal_text text,
  answer text check (answer in ('granted', 'declined')),
  answer_message text,
  answered_at timestamptz,
  revision integer not null default 1,
  primary key (case_id, deal_id),
  check (outcome is null or not is_open),
  check (appealed_at is not null or answered_at is null)
);
-- A deal is in one open case at most: what is found later joins it.
create unique index conflict_case_open_deal on conflict_case_deal (deal_id) where is_open;
create index conflict_case_deal_deal on conflict_case_deal (deal_id, case_id);
create index conflict_case_deal_partner on conflict_case_deal (partner_id, case_id);
create index conflict_case_deal_claim on conflict_case_deal (claim_id);
select isolate_partner_rows('conflict_case_deal', 'partner_id');
create policy in_question_only on conflict_case_deal as restrictive to counterpart_app
  using (current_setting('app.wide', true) = 'on' or in_question);

-- Every claim in question: those of the deals, and records of CRMs.
create table conflict_case_claim (
  case_id uuid not null references conflict_case,
  claim_id uuid not null,
  primary key (case_id, claim_id)
);
create index conflict_case_claim_claim on conflict_case_claim (claim_id);
select hide_from_partners('conflict_case_claim');

create table conflict_case_entry (
  id uuid primary key,
  case_id uuid not null references conflict_case,
  recorded_at timestamptz not null,
  kind text not null,
  deal_id uuid,
  actor_kind text not null,
  actor_id text not null,
  actor_name text not null,
  data jsonb not null
);
create index conflict_case_entry_case on conflict_case_entry (case_id, id);
select hide_from_partners('conflict_case_entry');
select make_append_only('conflict_case_entry');

create table conflict_case_decision (
  id uuid primary key,
  case_id uuid not null references conflict_case,
  kind text not null check (kind in
    ('uphold', 'override', 'transfer', 'split', 'merge_customers', 'keep_apart', 'appeal_declined')),
  -- Answers an appeal, so that nothing follows it.
  is_final boolean not null,
  detail jsonb not null,
  reason text not null check (length(reason) >= 10),
  message text,
  decided_by text not null,
  decided_by_name text not null,
  decided_at timestamptz not null
);
create index conflict_case_decision_case on conflict_case_decision (case_id, id);
create unique index conflict_case_final on conflict_case_decision (case_id) where is_final;
select hide_from_partners('conflict_case_decision');
select make_append_only('conflict_case_decision');

-- What a person said about a candidate as the check had shown it; unstated ones follow from the kind of decision.
create table conflict_case_label (
  id uuid primary key,
  decision_id uuid not null references conflict_case_decision,
  case_id uuid not null references conflict_case,
  deal_id uuid not null,
  claim_id uuid not null,
  check_id uuid not null references conflict_check,
  rule_version integer not null,
  candidate_kind text not null,
  match_key text not null,
  score numeric not null,
  band text not null,
  collides boolean not null,
  same_company text not null check (same_company in ('yes', 'no', 'unknown')),
  same_deal text not null check (same_deal in ('yes', 'no', 'unknown')),
  stated boolean not null,
  decided_at timestamptz not null,
  unique (decision_id, deal_id, claim_id)
);
create index conflict_case_label_case on conflict_case_label (case_id);
create index conflict_case_label_check on conflict_case_label (check_id, claim_id);
select hide_from_partners('conflict_case_label');
select make_append_only('conflict_case_label');

-- Customers that a person knows to be two; the smaller id first.
create table conflict_apart (
  customer_a uuid not null,
  customer_b uuid not null,
  case_id uuid not null references conflict_case,
  decided_at timestamptz not null,
  primary key (customer_a, customer_b),
  check (customer_a < customer_b)
);
create index conflict_apart_b on conflict_apart (customer_b);
select hide_from_partners('conflict_apart');

-- Looked at again even if it was met before, and why.
alter table conflict_watch add column forced boolean not null default false;
alter table conflict_watch add column cause text not null default 'watch'
  check (cause in ('direct', 'merge', 'watch', 'protection'));

-- What was suspected before there were cases gets one.
set local role counterpart_system;
insert into conflict_watch (claim_id, forced)
select claim.id, true
from claim join deal on deal.id = claim.deal_id
where claim.source = 'registration' and claim.standing <> 'closed' and deal.conflict in ('suspected', 'under_review')
on conflict (claim_id) do update set forced = true;
reset role;
