/** The implementations of storage that the contract suites hold to their promises: in memory, a server, the embedded one. */
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type pg from 'pg';
import { InMemoryJournalStore, InMemoryLog } from '../../persistence/in-memory/journal-store.ts';
import { startEmbeddedPostgres } from '../../persistence/embedded/embedded-postgres.ts';
import { InMemoryRelayStore } from '../../persistence/in-memory/relay-store.ts';
import type { EntityHistories, JournalStore, ProjectionStore, RelayStore } from '../../persistence/ports.ts';
import type { ViewReads } from '../../persistence/view-definition.ts';
import { openPool } from '../../persistence/postgres/connection.ts';
import { PostgresJournalStore } from '../../persistence/postgres/journal-store.ts';
import { PostgresProjectionStore } from '../../persistence/postgres/projection-store.ts';
import { PostgresRelayStore } from '../../persistence/postgres/relay-store.ts';
import { VIEWS } from '../../actors/index.ts';
import { InMemoryReadModels, type StockViewRow } from './in-memory-read-models.ts';
import { scratchDatabaseOrSkip } from './postgres-database.ts';
import { createScratchDatabase, type ScratchDatabase } from './scratch-database.ts';
import { silentLog } from './silent-log.ts';

export interface Storage {
  /** One more owner over the same log. */
  openJournal(): JournalStore & EntityHistories;
  openProjections(): ProjectionStore & ViewReads;
  openRelay(): RelayStore;
  stockRows(): Promise<StockViewRow[]>;
  /** Absent in memory. */
  readonly database?: ScratchDatabase;
  close(): Promise<void>;
}

export interface StorageSubject {
  readonly name: string;
  readonly isPostgres: boolean;
  /** Skips the suite where what it needs isn't there. */
  open(hook: Mocha.Context): Promise<Storage>;
}

export const STORAGE_SUBJECTS: readonly StorageSubject[] = [
  { name: 'in memory', isPostgres: false, open: () => Promise.resolve(inMemory()) },
  { name: 'PostgreSQL', isPostgres: true, open: async (hook) => overDatabase(await scratchDatabaseOrSkip(hook)) },
  { name: 'embedded PostgreSQL', isPostgres: true, open: () => embedded() },
];

function inMemory(): Storage {
  const log = new InMemoryLog();
  const projections = new InMemoryReadModels();
  const relay = new InMemoryRelayStore();
  return {
    openJournal: () => new InMemoryJournalStore(log),
    openProjections: () => projections,
    openRelay: () => relay,
    stockRows: () => Promise.resolve([...projections.stocks.values()]),
    close: () => Promise.resolve(),
  };
}

function overDatabase(database: ScratchDatabase): Storage {
  const opened: { close(): Promise<void> }[] = [];
  const pool: pg.Pool = openPool(database.url, 'contract/reads', 4);
  let owners = 0;
  const keep = <T extends { close(): Promise<void> }>(store: T): T => {
    opened.push(store);
    return store;
  };
  return {
    openJournal: () => keep(new PostgresJournalStore(database.url, `contract/${++owners}`, pool)),
    openProjections: () => keep(new PostgresProjectionStore(database.url, `contract/${++owners}`, VIEWS, pool)),
    openRelay: () => new PostgresRelayStore(pool),
    stockRows: async () => {
      const rows = await database.query(
        `SELECT product_id AS "productId", warehouse_id AS "warehouseId", shard, version, on_hand::float8 AS "onHand",
                held::float8 AS held, low_stock_threshold::float8 AS "lowStockThreshold",
                (extract(epoch FROM updated_at) * 1000)::float8 AS "updatedAt"
         FROM stock_view`,
      );
      return rows as unknown as StockViewRow[];
    },
    database,
    close: async () => {
      await Promise.all(opened.map((store) => store.close()));
      await pool.end();
      await database.drop();
    },
  };
}

async function embedded(): Promise<Storage> {
  const root = await mkdtemp(path.join(tmpdir(), 'holdfast-contract-'));
  await chmod(root, 0o711);
  const [dataDir, runtimeDir, systemDir] = ['data', 'run', 'sys'].map((name) => path.join(root, name)) as [
    string,
    string,
    string,
  ];
  for (const folder of [dataDir, runtimeDir, systemDir]) await mkdir(folder, { mode: 0o711 });
  const server = await startEmbeddedPostgres({ dataDir, runtimeDir, systemDir, log: silentLog });
  const storage = overDatabase(await createScratchDatabase({ serverUrl: server.url }));
  return {
    ...storage,
    close: async () => {
      await storage.close();
      await server.stop();
      await rm(root, { recursive: true, force: true });
    },
  };
}
