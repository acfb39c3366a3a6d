/**
 * Which database this is, and which of its lives. A deployment has one id, and a new incarnation each time its journal
 * was restored, copied or rewound. An epoch belongs to one incarnation, and epochs never repeat, so the epoch of a row
 * tells which incarnation its message ids are of.
 *
 * A database that already has rows has published ids without a tag, so its first incarnation keeps the empty tag.
 */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE incarnations (
      number      int         PRIMARY KEY CHECK (number >= 1),
      tag         text        NOT NULL UNIQUE,
      first_epoch int         NOT NULL UNIQUE CHECK (first_epoch >= 1),
      reason      text        NOT NULL,
      began_at    timestamptz NOT NULL DEFAULT now()
    )`);
  await knex.raw(`
    INSERT INTO incarnations (number, tag, first_epoch, reason)
    SELECT 1, CASE WHEN EXISTS (SELECT 1 FROM journal) THEN '' ELSE left(gen_random_uuid()::text, 8) END, 1, 'the first start'`);
  await knex.raw(`INSERT INTO settings (key, value) VALUES ('deployment_id', gen_random_uuid()::text)`);
}

export function down(): Promise<void> {
  return Promise.reject(new Error('migrations are forward only'));
}
