/** The tables of all peers: one row for each thing, changed in place. */
export const SCHEMA = `
create table if not exists orders(
  id uuid primary key,
  idempotency_key text unique,
  body_hash text not null,
  customer text not null,
  status text not null,
  refused_product text,
  total bigint not null,
  currency text not null,
  lines jsonb not null,
  address jsonb not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now());
create index if not exists orders_by_customer on orders(customer, created_at desc);
create table if not exists stock(
  product text primary key,
  on_hand bigint not null,
  held bigint not null default 0,
  check (held >= 0 and held <= on_hand));
create table if not exists reservations(
  order_id uuid primary key,
  status text not null,
  lines jsonb not null,
  expires_at timestamptz not null);
create table if not exists payments(
  order_id uuid primary key,
  status text not null,
  amount bigint not null,
  authorization_id text,
  capture_id text);
create table if not exists outbox(
  id bigserial primary key,
  order_id uuid not null,
  type text not null,
  data jsonb not null,
  at timestamptz not null default now());
`;
