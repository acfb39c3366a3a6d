/** Which peers each worker reaches, as it measured. Null: a worker of an older version, which doesn't measure. */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`ALTER TABLE members ADD COLUMN reach jsonb`);
}

export function down(): Promise<void> {
  return Promise.reject(new Error('migrations are forward only'));
}
