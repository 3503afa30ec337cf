-- Where events are sent to, and what became of each sending.

create table webhook_endpoint (
  id uuid primary key,
  name text not null,
  url text not null,
  -- Kinds of events it is told of; empty: all.
  kinds text[] not null default '{}',
  secret text not null,
  -- Signs beside the new secret until it is over, so that the receiver can change it in peace.
  previous_secret text,
  previous_until timestamptz,
  enabled boolean not null default true,
  disabled_reason text,
  -- Since when nothing has arrived; null while things arrive.
  failing_since timestamptz,
  revision integer not null default 1,
  created_at timestamptz not null default clock_timestamp()
);
create unique index webhook_endpoint_name on webhook_endpoint (lower(name));

create table webhook_delivery (
  id uuid primary key,
  endpoint_id uuid not null references webhook_endpoint,
  kind text not null,
  -- What is signed and sent, byte for byte.
  payload text not null,
  state text not null default 'pending' check (state in ('pending', 'delivered', 'failed')),
  attempts integer not null default 0,
  due_at timestamptz not null default clock_timestamp(),
  last_status integer,
  last_error text,
  delivered_at timestamptz,
  created_at timestamptz not null default clock_timestamp()
);
create index webhook_delivery_due on webhook_delivery (due_at, id) where state = 'pending';
create index webhook_delivery_endpoint on webhook_delivery (endpoint_id, id);
create index webhook_delivery_old on webhook_delivery (created_at) where state <> 'pending';

select hide_from_partners(t) from unnest(array['webhook_endpoint', 'webhook_delivery']::regclass[]) as t;
