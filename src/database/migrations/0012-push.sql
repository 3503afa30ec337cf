-- What CRMs tell us of by themselves, calls shared out among all workers, and versions for conditional writes.

-- A record over there that was told of and is not read yet. Told of again, its generation rises.
create table hint (
  connection_id uuid not null references connection,
  object text not null,
  remote_id text not null,
  generation bigint not null default 1,
  first_at timestamptz not null default clock_timestamp(),
  primary key (connection_id, object, remote_id)
);

-- Deliveries that were written down, by a digest of what names them, for as long as a CRM repeats them.
create table seen_delivery (
  connection_id uuid not null references connection,
  delivery text not null,
  seen_at timestamptz not null default clock_timestamp(),
  primary key (connection_id, delivery)
);
create index seen_delivery_age on seen_delivery (seen_at);

create table push_channel (
  connection_id uuid primary key references connection,
  -- Where the held connection goes on.
  cursor text,
  heard_at timestamptz,
  -- Why it is not held at the moment; null while it is, or was ended in order.
  trouble text,
  -- When hints were read last: the first after a silence is read at once, more of them together.
  hints_read_at timestamptz
);

-- Set when a push channel missed something of the object: it is polled at once.
alter table change_cursor add column wanted_at timestamptz;

-- As the CRM names the state that the content shows; null when it has none, or when we wrote since.
alter table mirror_record add column version text;

-- Limits of our own, below those of the vendor.
alter table connection
  add column calls_per_day integer check (calls_per_day > 0),
  add column call_share integer not null default 100 check (call_share between 1 and 100);

-- One row per connection that all its callers pass, one after the other, when they take calls.
create table call_budget (
  connection_id uuid primary key references connection,
  throttled_until timestamptz
);

-- Calls that one worker took to make within the next moment; what it does not make it gives back.
create table call_block (
  id bigint generated always as identity primary key,
  connection_id uuid not null references connection,
  worker uuid not null,
  taken_at timestamptz not null default clock_timestamp(),
  calls integer not null
);
create index call_block_taken on call_block (connection_id, taken_at);

alter table call_count add column priority text not null default 'live';
alter table call_count drop constraint call_count_pkey;
alter table call_count add primary key (connection_id, hour, operation, object, priority);

select hide_from_partners(t) from unnest(array['hint', 'seen_delivery', 'push_channel', 'call_budget', 'call_block']::regclass[]) as t;
