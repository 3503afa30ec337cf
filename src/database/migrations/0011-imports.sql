-- Imports of CSV files: what was sent, how far it is, and the rows that wait or went wrong.

create table import (
  id uuid primary key,
  kind text not null check (kind in ('partners', 'customers', 'deals')),
  state text not null check (state in ('receiving', 'waiting', 'running', 'done', 'cancelled', 'failed')),
  file_name text,
  -- Who sent the file: what it creates is theirs.
  actor jsonb not null,
  columns text[] not null,
  problem text,
  rows_read integer not null default 0,
  rows_created integer not null default 0,
  rows_updated integer not null default 0,
  rows_unchanged integer not null default 0,
  rows_invalid integer not null default 0,
  -- Every row up to here was applied; raised in the transaction that applies them.
  applied_line integer not null default 0,
  -- Failures in a row without any progress, and when the next try is due.
  failures integer not null default 0,
  retry_at timestamptz,
  created_at timestamptz not null default clock_timestamp(),
  stored_at timestamptz not null default clock_timestamp(),
  received_at timestamptz,
  started_at timestamptz,
  ended_at timestamptz,
  -- After its end: rows that nobody needs are gone.
  cleared boolean not null default false
);
create index import_unfinished on import (received_at, id) where state in ('waiting', 'running');
create index import_receiving on import (stored_at) where state = 'receiving';
create index import_ended on import (ended_at) where ended_at is not null;
create index import_uncleared on import (ended_at) where ended_at is not null and not cleared;
select hide_from_partners('import');

create table import_row (
  import_id uuid not null references import,
  -- Where the row begins in the file.
  line integer not null,
  external_ref text,
  -- In the order of the import's columns.
  cells json not null,
  -- Null: waits. Rows that went in without a remark are not kept.
  outcome text check (outcome in ('created', 'updated', 'unchanged', 'invalid')),
  issues jsonb,
  primary key (import_id, line)
);
create index import_row_key on import_row (import_id, external_ref, line);
create index import_row_waiting on import_row (import_id, line) where outcome is null;
create index import_row_told on import_row (import_id, line) where outcome is not null;
select hide_from_partners('import_row');
