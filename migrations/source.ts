/**
 * The migrations as knex reads them: a fixed list with names of our own. knex's folder reader would record file names
 * with their extension, and the same migration is `.ts` in a checkout and `.js` when built.
 */
import type { Knex } from 'knex';
import * as journal from './0001-journal.ts';
import * as ownership from './0002-ownership.ts';
import * as snapshotStorage from './0003-snapshot-storage.ts';
import * as messaging from './0004-messaging.ts';
import * as reach from './0005-reach.ts';

interface Migration {
  readonly name: string;
  readonly up: (knex: Knex) => Promise<void>;
  readonly down: () => Promise<void>;
}

const MIGRATIONS: readonly Migration[] = [
  { name: '0001-journal', ...journal },
  { name: '0002-ownership', ...ownership },
  { name: '0003-snapshot-storage', ...snapshotStorage },
  { name: '0004-messaging', ...messaging },
  { name: '0005-reach', ...reach },
];

export const migrationSource: Knex.MigrationSource<Migration> = {
  getMigrations: () => Promise.resolve([...MIGRATIONS]),
  getMigrationName: (migration) => migration.name,
  getMigration: (migration) => Promise.resolve(migration),
};
