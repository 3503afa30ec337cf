-- Keeping in step with CRMs: connections, mappings, links, dirty marks, the mirror, reviews and the log.

create table connection (
  id uuid primary key,
  name text not null,
  vendor text not null,
  -- Credentials, encrypted; written by the API, opened only where calls are made.
  secrets text not null,
  -- Rises when the credentials are replaced, not when they are encrypted anew.
  credentials_revision integer not null default 1,
  status text not null check (status in ('active', 'paused', 'attention')),
  -- A pause that ends by itself; null: a person has to resume.
  paused_until timestamptz,
  pause_reason text,
  organisation_id text,
  remote_user_id text,
  instance_url text,
  multi_currency boolean not null default false,
  home_currency text,
  time_zone text not null default 'UTC',
  poll_seconds integer not null default 30 check (poll_seconds between 5 and 3600),
  calls_used integer,
  calls_limit integer,
  usage_at timestamptz,
  revision integer not null default 1,
  created_at timestamptz not null default clock_timestamp()
);
create unique index connection_name on connection (lower(name));

create table sync_slot (
  connection_id uuid not null references connection,
  task text not null,
  lease_number bigint not null default 0,
  leased_until timestamptz not null default '-infinity',
  primary key (connection_id, task)
);

create table mapping_version (
  id uuid primary key,
  connection_id uuid not null references connection,
  entity text not null,
  -- Given at publication; a draft has none yet.
  version integer,
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
  unique (connection_id, entity, version),
  check ((version is null) = (state = 'draft'))
);
create unique index mapping_published on mapping_version (connection_id, entity) where state = 'published';
create unique index mapping_draft on mapping_version (connection_id, entity) where state = 'draft';

-- The memory of one record on both sides.
create table link (
  id uuid primary key,
  connection_id uuid not null references connection,
  entity text not null,
  record_id uuid not null,
  object text not null,
  remote_id text,
  state text not null check (state in ('proposed', 'creating', 'active', 'merged', 'gone', 'retired')),
  fields jsonb not null default '{}',
  key_written boolean not null default false,
  -- Set while a call that writes this record is under way.
  writing_at timestamptz,
  observed_at timestamptz,
  written_at timestamptz,
  mapping_version_id uuid references mapping_version,
  settled_at timestamptz,
  created_at timestamptz not null default clock_timestamp()
);
create unique index link_record on link (connection_id, entity, record_id) where state <> 'retired';
create unique index link_deal_remote on link (connection_id, remote_id) where entity = 'deal' and state in ('active', 'proposed');
create index link_remote on link (connection_id, remote_id) where remote_id is not null;
create index link_writing on link (connection_id) where writing_at is not null;
create index link_entity_record on link (entity, record_id);

create table dirty_mark (
  connection_id uuid not null references connection,
  entity text not null,
  record_id uuid not null,
  generation bigint not null default 1,
  -- 0 live, 1 repair, 2 bulk
  priority smallint not null default 0,
  marked_at timestamptz not null default clock_timestamp(),
  -- A batch may leave without being full from here on.
  ready_at timestamptz not null,
  due_at timestamptz not null default clock_timestamp(),
  attempts integer not null default 0,
  -- 'entity:id' of the parent whose link must exist first
  waiting_for text,
  parked_at timestamptz,
  parked_code text,
  parked_message text,
  parked_issues jsonb,
  primary key (connection_id, entity, record_id)
);
create index dirty_mark_ready on dirty_mark (connection_id, entity, priority, ready_at) where parked_at is null and waiting_for is null;
create index dirty_mark_waiting on dirty_mark (waiting_for, connection_id) where waiting_for is not null;
create index dirty_mark_parked on dirty_mark (parked_at) where parked_at is not null;

create table change_cursor (
  connection_id uuid not null references connection,
  object text not null,
  cursor text,
  -- The first full pass is done: absence in the mirror means absence over there.
  complete boolean not null default false,
  polled_at timestamptz,
  primary key (connection_id, object)
);

create table mirror_record (
  connection_id uuid not null references connection,
  object text not null,
  remote_id text not null,
  content jsonb not null,
  content_hash text not null,
  modified_at text,
  modified_by text,
  read_at timestamptz not null,
  deleted_at timestamptz,
  merged_into text,
  company_name text,
  name_key text,
  domain text,
  country text,
  city text,
  primary key (connection_id, object, remote_id)
);
create index mirror_record_domain on mirror_record (connection_id, object, domain) where domain is not null and deleted_at is null;
create index mirror_record_name on mirror_record (connection_id, object, name_key) where name_key is not null and deleted_at is null;

create table review_item (
  id uuid primary key,
  connection_id uuid not null references connection,
  kind text not null,
  entity text not null,
  record_id uuid,
  remote_id text,
  field text not null default '',
  ours jsonb,
  theirs jsonb,
  message text not null,
  details jsonb,
  opened_at timestamptz not null default clock_timestamp(),
  closed_at timestamptz,
  closed_by text,
  resolution text,
  reason text
);
create unique index review_item_open on review_item (connection_id, kind, entity, coalesce(record_id::text, ''), coalesce(remote_id, ''), field) where closed_at is null;
create index review_item_opened on review_item (opened_at);

create table sync_attempt (
  id uuid primary key,
  at timestamptz not null default clock_timestamp(),
  connection_id uuid not null references connection,
  direction text not null check (direction in ('out', 'in')),
  entity text not null,
  record_id uuid,
  remote_id text,
  mapping_version_id uuid,
  fields text[] not null default '{}',
  outcome text not null,
  code text,
  message text,
  duration_ms integer
);
create index sync_attempt_record on sync_attempt (entity, record_id, id);
create index sync_attempt_connection on sync_attempt (connection_id, id);

create table quarantined_field (
  connection_id uuid not null references connection,
  entity text not null,
  remote_field text not null,
  reason text not null,
  since timestamptz not null default clock_timestamp(),
  primary key (connection_id, entity, remote_field)
);

create table call_count (
  connection_id uuid not null references connection,
  hour timestamptz not null,
  operation text not null,
  object text not null,
  calls integer not null,
  records integer not null,
  primary key (connection_id, hour, operation, object)
);

select hide_from_partners(t) from unnest(array['connection', 'sync_slot', 'mapping_version', 'link', 'dirty_mark', 'change_cursor', 'mirror_record', 'review_item', 'sync_attempt', 'quarantined_field', 'call_count']::regclass[]) as t;
