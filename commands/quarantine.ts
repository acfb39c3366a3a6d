/**
 * `npm run -s quarantine`: entities set apart. Lists them, shows the row at fault or what can't be written, and has one
 * tried again once a person has mended it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { KINDS } from '../actors/index.ts';
import { foldEntity } from '../runtime/entity/fold-entity.ts';
import { loadConfig } from '../config/config.ts';
import { systemClock } from '../kernel/clock.ts';
import { messageOf } from '../kernel/errors.ts';
import type { JournalRow } from '../persistence/ports.ts';
import { openPool } from '../persistence/postgres/connection.ts';
import { PostgresJournalStore } from '../persistence/postgres/journal-store.ts';
import { PostgresQuarantineStore, type Quarantined } from '../persistence/postgres/quarantine-store.ts';
import {
  CommandError,
  EXIT_BAD_VERDICT,
  EXIT_OK,
  HELP_OPTION,
  parseCommandLine,
  runCommand,
  UsageError,
} from './support/command-line.ts';
import { databaseFailure, withDatabase } from './support/database.ts';
import { openReportFile } from './support/report-file.ts';

const USAGE = `Usage: npm run -s quarantine -- list [--json FILE]
       npm run -s quarantine -- show ENTITY [--json FILE]
       npm run -s quarantine -- retry ENTITY

An entity whose journal rows can't be read is set apart: it answers an error, alone, and everything else goes on. One
whose view or wake-up can't be written is set apart as well: it goes on, but lists do not show its last changes.

  list    the entities set apart, oldest first
  show    why, and which of its rows is the first that can't be read; shows no contents
  retry   has the node that owns it read it and write its view again, after the cause was mended

Exit code 0: nothing is set apart; shown; or back. 1: some are set apart; or it still is.
2: it could not be found out.
`;

const EXIT_IMPOSSIBLE = 2;
const LISTED_MAX = 1_000;
const RETRY_TIMEOUT_MS = 15_000;
const POLL_MS = 100;

interface Stores {
  readonly quarantine: PostgresQuarantineStore;
  readonly journal: PostgresJournalStore;
}

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommandLine(args, { ...HELP_OPTION, json: { type: 'string' } } as const, 2);
  if (values.help) {
    process.stdout.write(USAGE);
    return EXIT_OK;
  }
  const [action, entityId] = positionals;
  if (action === 'list' && entityId === undefined) return withStores((stores) => list(stores, values.json));
  if ((action !== 'show' && action !== 'retry') || entityId === undefined)
    throw new UsageError('say list, show ENTITY or retry ENTITY');
  if (!KINDS.find(entityId))
    throw new UsageError(
      `"${entityId}" is no entity id, which begin with ${KINDS.all.map(({ prefix }) => prefix).join(', ')}`,
    );
  if (action === 'show') return withStores((stores) => show(stores, entityId, values.json));
  if (values.json !== undefined) throw new UsageError('retry has no report: leave --json out');
  return withStores((stores) => retry(stores, entityId));
}

async function withStores(work: (stores: Stores) => Promise<number>): Promise<number> {
  return withDatabase(loadConfig(), async (databaseUrl) => {
    const pool = openPool(databaseUrl, 'holdfast/quarantine', 1);
    const journal = new PostgresJournalStore(databaseUrl, 'holdfast/quarantine', pool);
    try {
      return await work({ quarantine: new PostgresQuarantineStore(pool), journal });
    } catch (error) {
      throw databaseFailure(error, 'The database does not answer as it should');
    } finally {
      await journal.close();
      await pool.end();
    }
  });
}

async function list({ quarantine }: Stores, json: string | undefined): Promise<number> {
  const reportFile = await openReportFile(json);
  const found = await quarantine.list(LISTED_MAX);
  for (const each of found) process.stdout.write(`${lineOf(each)}\n`);
  process.stdout.write(found.length === 0 ? 'Nothing is set apart.\n' : `${found.length} set apart.\n`);
  await reportFile.write(found.map(jsonOf));
  return found.length === 0 ? EXIT_OK : EXIT_BAD_VERDICT;
}

async function show({ quarantine, journal }: Stores, entityId: string, json: string | undefined): Promise<number> {
  const reportFile = await openReportFile(json);
  const entry = await quarantine.find(entityId);
  const stored = (await journal.readEntities([entityId], false)).get(entityId);
  if (!stored) throw new CommandError(`${entityId} has no rows in the journal: there is no such entity. Check its id.`);
  const broken = firstUnreadable(entityId, stored.rows);
  process.stdout.write(entry ? `${lineOf(entry)}\n` : `${entityId} is not set apart.\n`);
  process.stdout.write(
    broken
      ? `First row that can't be read: shard ${broken.row.shard}, seq ${broken.row.seq}, version ${broken.row.version} ` +
          `(${broken.row.events.length} characters of events): ${broken.reason}\n`
      : `All of its ${stored.rows.length} rows can be read by this build.\n`,
  );
  await reportFile.write({
    entityId,
    quarantine: entry ? jsonOf(entry) : null,
    rows: stored.rows.length,
    unreadable: broken ? { ...placeOf(broken.row), reason: broken.reason } : null,
  });
  return EXIT_OK;
}

function placeOf({ shard, seq, version }: JournalRow) {
  return { shard, seq, version };
}

/** A fold that fails at a row fails with every longer log, too: the first such row is found by halving. */
function firstUnreadable(
  entityId: string,
  rows: readonly JournalRow[],
): { row: JournalRow; reason: string } | undefined {
  const reasonOf = (count: number): string | undefined => {
    try {
      foldEntity(KINDS.of(entityId), entityId, rows[0]!.shard, { rows: rows.slice(0, count) });
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  };
  if (reasonOf(rows.length) === undefined) return undefined;
  let readable = 0;
  let unreadable = rows.length;
  while (unreadable - readable > 1) {
    const middle = (readable + unreadable) >> 1;
    if (reasonOf(middle) === undefined) readable = middle;
    else unreadable = middle;
  }
  return { row: rows[unreadable - 1]!, reason: reasonOf(unreadable)! };
}

async function retry({ quarantine }: Stores, entityId: string): Promise<number> {
  const before = await quarantine.find(entityId);
  if (!before) throw new CommandError(`${entityId} is not set apart; see "list"`);
  await quarantine.tellRetry(entityId);
  const deadline = systemClock.monotonicMs() + RETRY_TIMEOUT_MS;
  while (systemClock.monotonicMs() < deadline) {
    await sleep(POLL_MS);
    const now = await quarantine.find(entityId);
    if (!now) {
      process.stdout.write(`${entityId} is back: it is read, and its view is written.\n`);
      return EXIT_OK;
    }
    if (now.triedAt > before.triedAt) {
      process.stdout.write(`${entityId} is still set apart: ${now.reason}\n`);
      return EXIT_BAD_VERDICT;
    }
  }
  throw new CommandError('No node has tried it: none runs on this database. It is tried again when one starts.');
}

function lineOf({ entityId, shard, reason, since }: Quarantined): string {
  return `${new Date(since).toISOString()}  ${entityId}  shard ${shard}  ${reason}`;
}

function jsonOf({ since, triedAt, ...entry }: Quarantined) {
  return { ...entry, since: new Date(since).toISOString(), triedAt: new Date(triedAt).toISOString() };
}

process.exitCode = await runCommand({ name: 'quarantine', usage: USAGE, exitWhenImpossible: EXIT_IMPOSSIBLE }, () =>
  main(process.argv.slice(2)),
);
