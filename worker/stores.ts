/** A worker's sessions with PostgreSQL, and what it stores there. */
import { openPool } from '../persistence/postgres/connection.ts';
import { PostgresJournalStore } from '../persistence/postgres/journal-store.ts';
import { PostgresOwnershipStore } from '../persistence/postgres/ownership-store.ts';
import { PostgresProjectionStore } from '../persistence/postgres/projection-store.ts';
import { PostgresQuarantineStore } from '../persistence/postgres/quarantine-store.ts';
import { PostgresRelayStore } from '../persistence/postgres/relay-store.ts';
import { LIST_SESSIONS_MAX, READ_SESSIONS_MAX } from '../persistence/postgres/session-budget.ts';
import type { ViewDefinition } from '../persistence/view-definition.ts';

export class WorkerStores {
  readonly journal: PostgresJournalStore;
  readonly projections: PostgresProjectionStore;
  readonly ownership: PostgresOwnershipStore;
  readonly quarantine: PostgresQuarantineStore;
  readonly relay: PostgresRelayStore;
  readonly #pool: ReturnType<typeof openPool>;
  readonly #listPool: ReturnType<typeof openPool>;

  /** @param purpose names the sessions at the server. */
  constructor(databaseUrl: string, purpose: string, views: readonly ViewDefinition[]) {
    this.#pool = openPool(databaseUrl, `${purpose}/reads`, READ_SESSIONS_MAX);
    this.#listPool = openPool(databaseUrl, `${purpose}/lists`, LIST_SESSIONS_MAX);
    this.journal = new PostgresJournalStore(databaseUrl, purpose, this.#pool);
    this.projections = new PostgresProjectionStore(databaseUrl, purpose, views, this.#pool, this.#listPool);
    this.ownership = new PostgresOwnershipStore(databaseUrl, purpose);
    this.quarantine = new PostgresQuarantineStore(this.#pool);
    this.relay = new PostgresRelayStore(this.#pool);
  }

  ping(): Promise<unknown> {
    return this.#pool.query('SELECT 1');
  }

  async close(): Promise<void> {
    const stores = [this.journal, this.projections, this.ownership];
    await Promise.all([...stores.map((store) => store.close()), this.#pool.end(), this.#listPool.end()]);
  }
}
