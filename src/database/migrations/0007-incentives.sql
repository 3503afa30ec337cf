-- Incentive plans and their immutable versions, what is known of each deal's earnings, and what is held back.

create table incentive_plan (
  id uuid primary key,
  programme_id uuid not null,
  name text not null,
  created_at timestamptz not null default clock_timestamp()
);
create unique index incentive_plan_name on incentive_plan (programme_id, lower(name));
select hide_from_partners('incentive_plan');
select make_append_only('incentive_plan');

create table incentive_plan_version (
  id uuid primary key,
  plan_id uuid not null references incentive_plan,
  number integer not null check (number > 0),
  document jsonb not null,
  created_at timestamptz not null default clock_timestamp(),
  unique (plan_id, number)
);
select hide_from_partners('incentive_plan_version');
select make_append_only('incentive_plan_version');

-- In force on a day: the latest `valid_from` up to it; of those of one day the one published last.
create table incentive_publication (
  id uuid primary key,
  programme_id uuid not null,
  plan_version_id uuid not null references incentive_plan_version,
  valid_from date not null,
  published_at timestamptz not null default clock_timestamp()
);
create index incentive_publication_in_force on incentive_publication (programme_id, valid_from desc, published_at desc, id desc);
create index incentive_publication_version on incentive_publication (plan_version_id);
select hide_from_partners('incentive_publication');
select make_append_only('incentive_publication');

-- The last evaluation of a deal: an older revision that comes late is left aside; holds are visible to the vendor.
create table incentive_deal (
  deal_id uuid primary key,
  outcome_revision integer not null,
  plan_version_id uuid,
  holds jsonb not null,
  evaluated_at timestamptz not null default clock_timestamp()
);
create index incentive_deal_on_hold on incentive_deal (deal_id) where holds <> '[]';
select hide_from_partners('incentive_deal');

-- Work list of the release: what of an entry is still pending. A row goes when it is released or taken back.
create table incentive_holdback (
  entry_id uuid primary key,
  deal_id uuid not null,
  partner_id uuid not null,
  plan_line text not null,
  plan_version_id uuid not null,
  currency char(3) not null,
  due_on date not null,
  remaining_minor bigint not null check (remaining_minor > 0),
  held boolean not null default false
);
create index incentive_holdback_due on incentive_holdback (due_on, entry_id) where not held;
create index incentive_holdback_deal on incentive_holdback (deal_id);
create index incentive_holdback_partner on incentive_holdback (partner_id);
select isolate_partner_rows('incentive_holdback', 'partner_id');
