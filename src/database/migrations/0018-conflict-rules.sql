-- The rules of conflicts as versions, what checks decided by, and people's decisions as labels.

create table conflict_rule_set (
  id uuid primary key,
  -- Given at publication; a draft has none yet.
  version integer unique,
  state text not null check (state in ('draft', 'published', 'superseded')),
  document jsonb not null,
  -- The version that a draft was begun from, or that a rollback brought back.
  based_on integer,
  note text,
  created_by text not null,
  created_at timestamptz not null default clock_timestamp(),
  published_by text,
  published_at timestamptz,
  revision integer not null default 1,
  check ((version is null) = (state = 'draft'))
);
create unique index conflict_rule_set_in_force on conflict_rule_set (state) where state = 'published';
create unique index conflict_rule_set_draft on conflict_rule_set (state) where state = 'draft';
insert into conflict_rule_set (id, version, state, document, note, created_by, published_by, published_at)
values (gen_random_uuid(), 1, 'published', '{
  "schema": 1,
  "sameDeal": {
    "company": {
      "shownFrom": 15,
      "reviewFrom": 50,
      "blockedFrom": 90
    },
    "products": "family",
    "windows": "overlap",
    "territory": "any"
  },
  "winner": {
    "order": [
      "named_account",
      "house_account",
      "incumbent",
      "direct_opportunity",
      "active_customer",
      "first_registration"
    ]
  },
  "directOpportunities": {
    "effect": "review",
    "blockedStages": [],
    "ignoredStages": [],
    "ignoredAfterDays": null
  },
  "renewals": {
    "types": [
      "renewal"
    ],
    "effect": "review"
  },
  "activeCustomers": {
    "withinDays": null,
    "effect": "review"
  },
  "namedAccounts": {
    "effect": "blocked",
    "accounts": []
  },
  "houseAccounts": {
    "effect": "blocked",
    "accounts": []
  },
  "exclusions": [],
  "questions": {
    "perMinute": 30,
    "perDay": 500,
    "overlapsPerDay": 20,
    "perCompanyPerDay": 10
  },
  "texts": {
    "clear": "No overlapping activity was found.",
    "review": "This may overlap with other activity and is reviewed before a decision.",
    "blocked": "This may overlap with other activity and is reviewed before a decision.",
    "upheld": "This overlaps with other activity and cannot be protected.",
    "asked": "This may overlap with other activity and is reviewed before a decision."
  }
}', 'What a new installation starts with', 'system', 'system', clock_timestamp());
select hide_from_partners('conflict_rule_set');

alter table claim
  -- First complete submission. Who registered first is decided by it.
  add column registered_at timestamptz,
  add column registration_type text,
  add column product_ids uuid[] not null default '{}',
  -- What one holder has to itself: products, or product families with all that is in them, as the rules said at filing.
  add column scope_ids uuid[] not null default '{}';
-- Row level security would hide the rows from the owner as well.
alter table claim no force row level security;
update claim set registered_at = created_at, scope_ids = family_ids where source = 'registration';
alter table claim force row level security;
alter table claim drop constraint claim_one_holder;
alter table claim add constraint claim_one_holder exclude using gist
  (canonical_id with =, family_points(scope_ids) with &&, range with &&)
  where (standing = 'held' and source = 'registration');

alter table conflict_check
  -- Of the comparison itself, which is code; `rule_version` is the version of the rule set.
  add column matcher_version integer not null default 1,
  add column band text check (band in ('clear', 'review', 'blocked')),
  -- What else was looked at: the day, past wins, whether the search came to its end.
  add column inputs jsonb,
  -- Recommended winner, entries of lists that were met, what the partner is told.
  add column ruling jsonb,
  -- Of a question: which company was meant, whatever its spelling.
  add column company_key text;
create index conflict_check_asked on conflict_check (partner_id, company_key, checked_at) where purpose = 'question';
create index conflict_check_overlap on conflict_check (partner_id, checked_at) where purpose = 'question' and verdict <> 'clear';

-- What people decided, beside what they were shown: a check as a whole, or one candidate of it.
create table conflict_label (
  id uuid primary key,
  check_id uuid not null references conflict_check,
  claim_id uuid,
  label text not null check (label in ('uphold', 'override', 'same_company', 'different_company')),
  score double precision,
  band text not null check (band in ('clear', 'review', 'blocked')),
  rule_version integer not null,
  matcher_version integer not null,
  decided_by text not null,
  decided_at timestamptz not null,
  check ((claim_id is not null) = (label in ('same_company', 'different_company')))
);
create index conflict_label_check on conflict_label (check_id, id);
create index conflict_label_age on conflict_label (decided_at);
select hide_from_partners('conflict_label');
select make_append_only('conflict_label');
