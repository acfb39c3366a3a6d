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
import * as compatibility from './0006-compatibility.ts';
import * as incarnations from './0007-incarnations.ts';
import { schemaOf, type Compatibility } from './compatibility.ts';

export interface Migration {
  /** Begins with its number. */
  readonly name: string;
  readonly compatibility: Compatibility;
  readonly up: (knex: Knex) => Promise<void>;
  readonly down: () => Promise<void>;
}

const ADDITIVE: Compatibility = { kind: 'additive' };

export const MIGRATIONS: readonly Migration[] = [
  { name: '0001-journal', compatibility: { kind: 'breaking', needs: '0.1.0' }, ...journal },
  { name: '0002-ownership', compatibility: ADDITIVE, ...ownership },
  { name: '0003-snapshot-storage', compatibility: ADDITIVE, ...snapshotStorage },
  { name: '0004-messaging', compatibility: ADDITIVE, ...messaging },
  { name: '0005-reach', compatibility: ADDITIVE, ...reach },
  { name: '0006-compatibility', compatibility: ADDITIVE, ...compatibility },
  // On a database that older builds know the first incarnation's ids are theirs.
  { name: '0007-incarnations', compatibility: ADDITIVE, ...incarnations },
];

/**
 * The migrations of this program, and those that kinds from outside bring for their views, by their numbers.
 * @throws Error where two have the same number.
 */
export function withMigrationsOf(views: readonly { readonly migrations?: readonly Migration[] }[]): Migration[] {
  const all = [...MIGRATIONS, ...views.flatMap(({ migrations = [] }) => migrations)];
  const names = new Map<number, string>();
  for (const { name } of all) {
    const other = names.get(schemaOf(name));
    if (other !== undefined) throw new Error(`the migrations ${other} and ${name} have the same number`);
    names.set(schemaOf(name), name);
  }
  return all.sort((a, b) => schemaOf(a.name) - schemaOf(b.name));
}

export function sourceOf(migrations: readonly Migration[]): Knex.MigrationSource<Migration> {
  return {
    getMigrations: () => Promise.resolve([...migrations]),
    getMigrationName: (migration) => migration.name,
    getMigration: (migration) => Promise.resolve(migration),
  };
}

export const migrationSource = sourceOf(MIGRATIONS);
