-- Looking after connections: long tasks with their findings, what the CRM's objects looked like, and what drifted.

create table sync_task (
  id uuid primary key,
  connection_id uuid not null references connection,
  kind text not null check (kind in ('backfill', 'reconciliation', 'repair')),
  -- A backfill is about one entity, the others about all.
  entity text,
  -- Looks and counts, changes nothing.
  dry_run boolean not null default false,
  -- The reconciliation that a repair mends.
  repairs uuid references sync_task,
  state text not null check (state in ('waiting', 'running', 'done', 'cancelled', 'failed')),
  -- How far it is, with its counts; written in the transaction that does the step.
  progress jsonb not null default '{}',
  problem text,
  failures integer not null default 0,
  retry_at timestamptz,
  actor jsonb not null,
  created_at timestamptz not null default clock_timestamp(),
  started_at timestamptz,
  ended_at timestamptz
);
create unique index sync_task_unfinished on sync_task (connection_id, kind, coalesce(entity, ''))
  where state in ('waiting', 'running');
create index sync_task_listed on sync_task (connection_id, kind, id);
create index sync_task_repairs on sync_task (repairs) where repairs is not null;
create index sync_task_ended on sync_task (ended_at) where ended_at is not null;

create table sync_finding (
  id uuid primary key,
  task_id uuid not null references sync_task on delete cascade,
  kind text not null,
  entity text not null,
  record_id uuid,
  remote_id text,
  -- Fields and values, candidates, or why.
  details jsonb not null default '{}',
  repaired_at timestamptz
);
create index sync_finding_listed on sync_finding (task_id, kind, id);
create index sync_finding_remote on sync_finding (task_id, remote_id) where remote_id is not null;
create index sync_finding_open on sync_finding (task_id, id) where repaired_at is null;

create table remote_schema (
  connection_id uuid not null references connection,
  object text not null,
  -- As the connector described them.
  fields jsonb not null,
  seen_at timestamptz not null,
  primary key (connection_id, object)
);

create table drift_finding (
  id uuid primary key,
  connection_id uuid not null references connection,
  entity text not null,
  object text not null,
  remote_field text not null,
  kind text not null,
  -- The field rests, creations are held, or it is only told.
  effect text not null check (effect in ('field_rests', 'creations_held', 'told')),
  message text not null,
  advice text not null,
  details jsonb not null default '{}',
  -- The mapping it was found against: a newer one settles what was only told.
  mapping_version_id uuid not null references mapping_version,
  found_at timestamptz not null default clock_timestamp(),
  closed_at timestamptz
);
create unique index drift_finding_open on drift_finding (connection_id, entity, remote_field, kind)
  where closed_at is null;
create index drift_finding_listed on drift_finding (connection_id, id);

-- New records of an entity cannot be made over there at present; what is linked stays in step.
create table creation_hold (
  connection_id uuid not null references connection,
  entity text not null,
  reason text not null,
  remote_fields text[] not null,
  since timestamptz not null default clock_timestamp(),
  primary key (connection_id, entity)
);

select hide_from_partners(t)
from unnest(array['sync_task', 'sync_finding', 'remote_schema', 'drift_finding', 'creation_hold']::regclass[]) as t;
