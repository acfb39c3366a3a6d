/**
 * Who should own which shard, and which entities can't be read. A shard's lease has no end of its own: it lives as long
 * as its owner is a member, so that a worker renews all its leases by one row.
 */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE members (
      worker_id   text        COLLATE "C" PRIMARY KEY,
      node_id     text        NOT NULL,
      slot        int         NOT NULL,
      host        text        NOT NULL,
      socket_path text        NOT NULL,
      pid         int         NOT NULL,
      version     text        NOT NULL,
      draining    boolean     NOT NULL,
      joined_at   timestamptz NOT NULL DEFAULT now(),
      expires_at  timestamptz NOT NULL
    ) WITH (fillfactor = 50)`);
  await knex.raw(`
    CREATE TABLE shard_leases (
      shard int  PRIMARY KEY,
      owner text COLLATE "C"
    ) WITH (fillfactor = 50)`);
  await knex.raw(`
    CREATE TABLE quarantine (
      entity_id text        COLLATE "C" PRIMARY KEY,
      shard     int         NOT NULL,
      reason    text        NOT NULL,
      since     timestamptz NOT NULL DEFAULT now(),
      tried_at  timestamptz NOT NULL DEFAULT now()
    )`);
  await knex.raw(`CREATE INDEX quarantine_shard ON quarantine (shard)`);
}

export function down(): Promise<void> {
  return Promise.reject(new Error('migrations are forward only'));
}
