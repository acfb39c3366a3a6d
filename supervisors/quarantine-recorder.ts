/**
 * Keeps the list of entities set apart, for people: those that can't be read, and those of which a part can't be
 * written. It may lag behind while the database is away.
 */
import type { Logger } from 'pino';
import type { QuarantineList } from '../runtime/sharding/shard-region.ts';
import { messageOf } from '../kernel/errors.ts';
import type { Unwritable } from '../persistence/ports.ts';
import type { PostgresQuarantineStore } from '../persistence/postgres/quarantine-store.ts';

export class QuarantineRecorder implements QuarantineList {
  readonly #store: PostgresQuarantineStore;
  readonly #log: Logger;
  /** One after another, so that the latest state of an entity is the one kept. */
  #last: Promise<void> = Promise.resolve();

  constructor(store: PostgresQuarantineStore, log: Logger) {
    this.#store = store;
    this.#log = log;
  }

  add(entityId: string, shard: number, reason: string): void {
    this.#then(() => this.#store.add({ entityId, shard, reason })).catch(() => undefined); // said there
  }

  /** Resolves when it stands on the list. @throws what the store throws. */
  async setApart({ entityId, shard, reason }: Unwritable): Promise<void> {
    await this.#then(() => this.#store.add({ entityId, shard, reason }));
  }

  remove(entityId: string): void {
    this.#then(() => this.#store.remove(entityId)).catch(() => undefined);
  }

  #then(write: () => Promise<void>): Promise<void> {
    const written = this.#last.then(write);
    this.#last = written.catch((error: unknown) => {
      this.#log.warn({ reason: messageOf(error) }, 'the list of quarantined entities could not be written');
    });
    return written;
  }
}
