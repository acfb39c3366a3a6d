/** Snapshots are written and read whole and often, and most of one is ids, which don't compress. */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`ALTER TABLE snapshots ALTER COLUMN state SET STORAGE EXTERNAL`);
}

export function down(): Promise<void> {
  return Promise.reject(new Error('migrations are forward only'));
}
