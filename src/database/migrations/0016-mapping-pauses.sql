-- Mappings that a person lets rest: what changes meanwhile waits, and catches up afterwards.
create table mapping_pause (
  connection_id uuid not null references connection,
  entity text not null,
  reason text not null,
  paused_by text not null,
  since timestamptz not null default clock_timestamp(),
  primary key (connection_id, entity)
);
select hide_from_partners('mapping_pause');
