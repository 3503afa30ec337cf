-- Several connections at once: where deals go, which connection leads a record, contact persons, and people of a CRM.

-- One row, or none while nothing was set: then deals go to the oldest connection.
create table deal_routing (
  only_row boolean primary key default true check (only_row),
  -- Ordered: the first rule that holds says where a deal goes.
  rules jsonb not null,
  default_connection_id uuid references connection,
  revision integer not null,
  updated_by text not null,
  updated_at timestamptz not null default clock_timestamp()
);

-- The connection that leads a record which several connections know; the others only receive.
create table record_home (
  entity text not null,
  record_id uuid not null,
  connection_id uuid not null references connection,
  -- Null: the first connection where it was linked; a person otherwise.
  chosen_by text,
  chosen_at timestamptz not null default clock_timestamp(),
  primary key (entity, record_id)
);

-- A deal that moved to another connection says so in the record that it leaves, once: until then its link is 'moving'.
alter table link drop constraint link_state_check;
alter table link add constraint link_state_check
  check (state in ('proposed', 'creating', 'active', 'merged', 'gone', 'moving', 'retired'));
alter table link add column moved_to uuid references connection;
create index link_moved on link (connection_id, remote_id) where moved_to is not null;

-- Who takes over what a CRM states raises marks too, perhaps its own: those are told from marks that others raised.
alter table dirty_mark add column raised_in xid8;
alter table dirty_mark add column raised_from bigint;

-- People at end customers, known by their e-mail address within the customer.
create table contact (
  id uuid primary key,
  customer_id uuid not null references customer,
  email text not null check (email = lower(email)),
  first_name text,
  last_name text not null,
  phone text,
  revision integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp()
);
create unique index contact_email on contact (customer_id, email);

alter table deal add column contact_id uuid references contact;
create index deal_contact on deal (contact_id) where contact_id is not null;

-- What was found out about people of a CRM, asked for again when it is old. Without a remote id: there is nobody.
create table remote_user (
  connection_id uuid not null references connection,
  object text not null,
  email text not null,
  remote_id text,
  active boolean not null,
  checked_at timestamptz not null default clock_timestamp(),
  primary key (connection_id, object, email)
);
create index remote_user_id on remote_user (connection_id, object, remote_id) where remote_id is not null;

select hide_from_partners(t) from unnest(array['deal_routing', 'record_home', 'contact', 'remote_user']::regclass[]) as t;
