-- Partner organisations, the programmes they belong to, the people on both sides and their API tokens.

create table partner (
  id uuid primary key,
  external_ref text unique,
  name text not null,
  domain text,
  country char(2),
  city text,
  status text not null check (status in ('active', 'suspended', 'ended')),
  currency char(3) not null,
  revision integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp()
);
create index partner_name on partner (lower(name), id);
create index partner_domain on partner (domain) where domain is not null;
select isolate_partner_rows('partner', 'id');

create table user_account (
  id uuid primary key,
  partner_id uuid references partner,
  email text not null,
  name text not null,
  roles text[] not null,
  status text not null check (status in ('active', 'disabled')),
  revision integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp()
);
create unique index user_account_email on user_account (lower(email));
create index user_account_partner on user_account (partner_id);
select isolate_partner_rows('user_account', 'partner_id');

-- Only a hash of the secret is kept. `roles` null: all roles that the user has.
create table api_token (
  id uuid primary key,
  user_id uuid not null references user_account,
  partner_id uuid references partner,
  name text not null,
  secret_hash bytea not null unique,
  roles text[],
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz,
  created_at timestamptz not null default clock_timestamp()
);
create index api_token_user on api_token (user_id);
create index api_token_partner on api_token (partner_id);
select isolate_partner_rows('api_token', 'partner_id');

create table programme (
  id uuid primary key,
  name text not null,
  time_zone text not null,
  calendar jsonb not null,
  currency char(3) not null,
  protection_days integer not null check (protection_days > 0),
  extension_days integer not null check (extension_days > 0),
  lapse_rule text not null check (lapse_rule in ('keep_while_open', 'lapse')),
  review_target_business_days integer not null check (review_target_business_days > 0),
  review_overdue_business_days integer not null check (review_overdue_business_days >= review_target_business_days),
  auto_approval jsonb,
  eligible_tier_ids uuid[],
  eligible_countries text[],
  decider_id uuid references user_account,
  registration_types text[] not null,
  revision integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp()
);
create unique index programme_name on programme (lower(name));

-- Highest rank first: a tier of rank 2 stands above one of rank 1.
create table tier (
  id uuid primary key,
  programme_id uuid not null references programme,
  name text not null,
  rank integer not null,
  revision integer not null default 1,
  unique (programme_id, id)
);
create unique index tier_name on tier (programme_id, lower(name));

-- The tier belongs to the programme of the membership: the pair is the key.
create table membership (
  partner_id uuid not null references partner,
  programme_id uuid not null references programme,
  tier_id uuid not null,
  territories text[] not null,
  primary key (partner_id, programme_id),
  foreign key (programme_id, tier_id) references tier (programme_id, id)
);
create index membership_tier on membership (programme_id, tier_id);
select isolate_partner_rows('membership', 'partner_id');
