-- End customers of all partners: one row per company, merged by pointer. No partner ever sees them.

create table customer (
  id uuid primary key,
  external_ref text unique,
  name text not null,
  name_key text not null,
  domain text,
  country char(2),
  city text,
  postal_code text,
  phone text,
  merged_into uuid references customer check (merged_into <> id),
  revision integer not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp()
);
create index customer_name_key on customer (name_key);
create index customer_name on customer (lower(name), id);
create index customer_search on customer using gin (lower(name) gin_trgm_ops);
create index customer_domain_text on customer (domain) where domain is not null;
create index customer_merged_into on customer (merged_into) where merged_into is not null;
select hide_from_partners('customer');

-- Which customer answers for a web domain. Several customers may carry one domain; a domain leads to one of them.
create table customer_domain (
  domain text primary key,
  customer_id uuid not null references customer
);
create index customer_domain_customer on customer_domain (customer_id);
select hide_from_partners('customer_domain');
