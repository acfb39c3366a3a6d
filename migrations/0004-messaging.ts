/**
 * Which members RabbitMQ reaches, and how far the events of each shard are published. The relay has its own checkpoint,
 * because it moves with the broker's confirms and not with the read models.
 */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`ALTER TABLE members ADD COLUMN has_broker boolean NOT NULL DEFAULT false`);
  await knex.raw(`
    CREATE TABLE relay_checkpoints (
      shard int    PRIMARY KEY,
      seq   bigint NOT NULL
    ) WITH (fillfactor = 50)`);
  await knex.raw(`
    CREATE TABLE relay_held (
      entity_id text        COLLATE "C" PRIMARY KEY,
      shard     int         NOT NULL,
      seq       bigint      NOT NULL,
      reason    text        NOT NULL,
      since     timestamptz NOT NULL DEFAULT now()
    )`);
  await knex.raw(`CREATE INDEX relay_held_shard ON relay_held (shard)`);
}

export function down(): Promise<void> {
  return Promise.reject(new Error('migrations are forward only'));
}
