-- When a record was told of last: what was read after that answers it. And whether all of it may be an echo of our writes.
alter table hint
  add column told_at timestamptz not null default clock_timestamp(),
  add column by_us boolean not null default false;
