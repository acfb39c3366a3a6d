/** Keeps the list of unreadable entities that people see; it may lag behind while the database is away. */
import type { Logger } from 'pino';
import type { QuarantineList } from '../actors/sharding/shard-region.ts';
import { messageOf } from '../kernel/errors.ts';
import type { PostgresQuarantineStore } from '../persistence/postgres/quarantine-store.ts';

export class QuarantineRecorder implements QuarantineList {
  readonly #store: PostgresQuarantineStore;
  readonly #log: Logger;
  /** One after another: what was said last of an entity stands in the end. */
  #last: Promise<void> = Promise.resolve();

  constructor(store: PostgresQuarantineStore, log: Logger) {
    this.#store = store;
    this.#log = log;
  }

  add(entityId: string, shard: number, reason: string): void {
    this.#then(() => this.#store.add({ entityId, shard, reason }));
  }

  remove(entityId: string): void {
    this.#then(() => this.#store.remove(entityId));
  }

  #then(write: () => Promise<void>): void {
    this.#last = this.#last.then(write).catch((error: unknown) => {
      this.#log.warn({ reason: messageOf(error) }, 'the list of quarantined entities could not be written');
    });
  }
}
