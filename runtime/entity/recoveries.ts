/**
 * Reads entities for their shells, many in one query: while one read is under way the next batch gathers. Bounded in
 * entities a read and reads at a time, so that a restart with much to recover doesn't starve who is served already.
 */
import PQueue from 'p-queue';
import type { Clock } from '../../kernel/clock.ts';
import type { JournalStore, StoredEntity } from '../../persistence/ports.ts';
import type { EntityType } from './entity-type.ts';
import { snapshotOutdated } from './fold-entity.ts';

const ENTITIES_PER_READ_MAX = 200;
/** Snapshots are large: fewer of them keep the event loop for so long. */
const SNAPSHOTS_PER_READ_MAX = 20;
const READS_AT_A_TIME_MAX = 2;
const GATHER_MS = 3;

interface Wanted {
  readonly entityId: string;
  readonly type: EntityType;
  readonly resolve: (stored: StoredEntity | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** Entities whose kind keeps snapshots are read by another statement than the rest. */
class Batch {
  wanted: Wanted[] = [];
  scheduled = false;
}

export class Recoveries {
  readonly #store: JournalStore;
  readonly #clock: Clock;
  readonly #queue = new PQueue({ concurrency: READS_AT_A_TIME_MAX });
  readonly #plain = new Batch();
  readonly #withSnapshots = new Batch();

  constructor(store: JournalStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Rejects when the journal can't be read now. Undefined: the entity has no rows. */
  read(entityId: string, type: EntityType, withSnapshot: boolean): Promise<StoredEntity | undefined> {
    const batch = type.decider.snapshot && withSnapshot ? this.#withSnapshots : this.#plain;
    return new Promise((resolve, reject) => {
      batch.wanted.push({ entityId, type, resolve, reject });
      this.#schedule(batch);
    });
  }

  #schedule(batch: Batch): void {
    if (batch.scheduled || batch.wanted.length === 0) return;
    batch.scheduled = true;
    void this.#queue.add(async () => {
      // Under load a read costs as much as dozens of entities in it; an entity's first step can wait a moment.
      await this.#clock.sleep(GATHER_MS);
      batch.scheduled = false;
      const withSnapshots = batch === this.#withSnapshots;
      const wanted = batch.wanted.splice(0, withSnapshots ? SNAPSHOTS_PER_READ_MAX : ENTITIES_PER_READ_MAX);
      this.#schedule(batch);
      await this.#read(wanted, withSnapshots);
    });
  }

  /** Never throws: each reader hears its own outcome. */
  async #read(wanted: readonly Wanted[], withSnapshots: boolean): Promise<void> {
    try {
      const found = await this.#store.readEntities(
        wanted.map(({ entityId }) => entityId),
        withSnapshots,
      );
      const again: Wanted[] = [];
      for (const each of wanted) {
        const stored = found.get(each.entityId);
        if (stored && snapshotOutdated(each.type, stored)) again.push(each);
        else each.resolve(stored);
      }
      if (again.length > 0) await this.#read(again, false);
    } catch (error) {
      for (const { reject } of wanted) reject(error);
    }
  }
}
