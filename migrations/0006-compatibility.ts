/** What each migration requires of the versions that run beside or after it: see migrations/compatibility.ts. */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE migration_compatibility (
      name          text PRIMARY KEY,
      oldest_schema int  NOT NULL,
      needs         text NOT NULL
    )`);
}

export function down(): Promise<void> {
  return Promise.reject(new Error('migrations are forward only'));
}
