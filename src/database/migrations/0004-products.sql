-- What the vendor sells, as far as registrations and incentives need it. Every partner may read it.

create table product_family (
  id uuid primary key,
  code text not null,
  name text not null,
  revision integer not null default 1,
  created_at timestamptz not null default clock_timestamp()
);
create unique index product_family_code on product_family (lower(code));

create table product (
  id uuid primary key,
  family_id uuid not null references product_family,
  code text not null,
  name text not null,
  active boolean not null default true,
  revision integer not null default 1,
  created_at timestamptz not null default clock_timestamp()
);
create unique index product_code on product (lower(code));
create index product_family_members on product (family_id);
