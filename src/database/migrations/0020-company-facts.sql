-- What a claim knows of its company beyond name and domain, and by which rules it was filed under its keys.
alter table claim
  add column postal_code text,
  add column phone text,
  add column address text,
  add column identifiers text[] not null default '{}',
  add column keys_version integer not null default 1;
-- Claims that are yet to be filed anew when the rules change.
create index claim_keys_version on claim (keys_version, id) where standing <> 'closed';
