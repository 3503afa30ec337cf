-- The ground: extensions, the two roles that units of work take, row isolation of partners, audit, idempotency, leases.

create extension if not exists pg_trgm;
create extension if not exists btree_gist;
create extension if not exists pgcrypto;

-- Roles belong to the whole server, so another database of it may have made them already.
do $$
declare
  -- Since version 16 whoever makes a role is its member without the right to take it.
  needed text := case when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end;
begin
  if not exists (select from pg_roles where rolname = 'counterpart_app') then
    create role counterpart_app nologin nobypassrls;
  end if;
  if not exists (select from pg_roles where rolname = 'counterpart_system') then
    create role counterpart_system nologin nobypassrls;
  end if;
  if not pg_has_role(current_user, 'counterpart_app', needed) then
    execute format('grant counterpart_app to %I', current_user);
  end if;
  if not pg_has_role(current_user, 'counterpart_system', needed) then
    execute format('grant counterpart_system to %I', current_user);
  end if;
exception when insufficient_privilege then
  raise exception 'The database user needs CREATEROLE once, or an administrator runs: create role counterpart_app nologin; create role counterpart_system nologin; grant counterpart_app, counterpart_system to %;', current_user;
end $$;

grant usage on schema public to counterpart_app, counterpart_system;
alter default privileges in schema public grant select, insert, update, delete on tables to counterpart_app, counterpart_system;
alter default privileges in schema public grant usage, select on sequences to counterpart_app, counterpart_system;

-- A partner sees rows that carry its own id; everybody else of the application sees all; system steps see all.
-- The policy of the system role is a plain true, so that searches may use every index.
create function isolate_partner_rows(target regclass, partner_column name) returns void language plpgsql as $$
begin
  execute format('alter table %s enable row level security', target);
  execute format('alter table %s force row level security', target);
  execute format('create policy own_rows on %s to counterpart_app using (current_setting(''app.wide'', true) = ''on'' or %I = nullif(current_setting(''app.partner'', true), '''')::uuid)', target, partner_column);
  execute format('create policy all_rows on %s to counterpart_system using (true)', target);
end $$;

-- Hidden from partners altogether, whatever a route forgets.
create function hide_from_partners(target regclass) returns void language plpgsql as $$
begin
  execute format('alter table %s enable row level security', target);
  execute format('alter table %s force row level security', target);
  execute format('create policy vendor_rows on %s to counterpart_app using (current_setting(''app.wide'', true) = ''on'')', target);
  execute format('create policy all_rows on %s to counterpart_system using (true)', target);
end $$;

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = '23001';
end $$;

-- No application role may edit history, and the trigger stops the owner too.
create function make_append_only(target regclass) returns void language plpgsql as $$
begin
  execute format('revoke update, delete, truncate on %s from counterpart_app, counterpart_system', target);
  execute format('create trigger append_only before update or delete on %s for each row execute function refuse_change()', target);
  execute format('create trigger append_only_truncate before truncate on %s for each statement execute function refuse_change()', target);
end $$;

create table audit_entry (
  id uuid primary key,
  recorded_at timestamptz not null default clock_timestamp(),
  actor_kind text not null,
  actor_id text not null,
  actor_name text not null,
  action text not null,
  subject_kind text not null,
  subject_id text not null,
  partner_id uuid,
  before jsonb,
  after jsonb,
  reason text,
  content_hash bytea not null
);
create index audit_entry_subject on audit_entry (subject_kind, subject_id, id);
create index audit_entry_recorded on audit_entry (recorded_at);
create index audit_entry_partner on audit_entry (partner_id, id) where partner_id is not null;
-- Inserting needs no visibility: any unit of work leaves its trace; only the vendor reads it.
alter table audit_entry enable row level security;
alter table audit_entry force row level security;
create policy vendor_reads on audit_entry for select to counterpart_app using (current_setting('app.wide', true) = 'on');
create policy all_write on audit_entry for insert to counterpart_app with check (true);
create policy all_rows on audit_entry to counterpart_system using (true);
select make_append_only('audit_entry');

create table idempotency_key (
  actor text not null,
  route text not null,
  key text not null,
  input_hash bytea not null,
  created_at timestamptz not null default clock_timestamp(),
  status integer,
  body text,
  headers jsonb,
  holds_secret boolean not null default false,
  primary key (actor, route, key)
);
create index idempotency_key_age on idempotency_key (created_at);
alter table idempotency_key enable row level security;
alter table idempotency_key force row level security;
create policy own_keys on idempotency_key to counterpart_app using (actor = current_setting('app.actor', true));
create policy all_rows on idempotency_key to counterpart_system using (true);

create table schedule_tick (
  name text not null,
  due_at timestamptz not null,
  taken_at timestamptz not null default clock_timestamp(),
  primary key (name, due_at)
);
select hide_from_partners('schedule_tick');
