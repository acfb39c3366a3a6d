/**
 * Flushes read models around what can't be written. A flush that is refused is sent again by halves, down to the parts
 * at fault; each is set apart, and everything else is written. A part is one entity's view, or one entity's wake-up: an
 * order whose view is refused still has its wake-up.
 *
 *   refused --by halves--> one part refused --its shards move without it?--yes--> set apart, they move
 *                                                                        --no---> not its fault: thrown, as an outage is
 *
 * A shard's checkpoint moves with the last of its parts; the parts before it go with a flush in which it stands. So a
 * crash in between leaves views ahead of their checkpoint, and the next owner writes them once more.
 */
import { FlushRefusedError, type ProjectionFlush, type ProjectionStore, type Unwritable } from './ports.ts';
import type { ViewChange } from './view-definition.ts';

type Moves = ProjectionFlush['moves'];

/** What is written, or refused, as one. */
interface Part {
  readonly shard: number;
  readonly entityId: string;
  readonly what: Unwritable['what'];
  readonly change?: ViewChange;
  readonly wakeUp?: ProjectionFlush['wakeUps'][number];
  readonly settled?: ProjectionFlush['settled'][number];
}

/** Must have put the entity on the list that people see when it resolves: the checkpoint passes over it then. */
export type SetApart = (unwritable: Unwritable) => Promise<void>;

/**
 * @returns the shards whose checkpoint moved.
 * @throws what `setApart` and the store throw, except where the store refuses a part; then some shards may have moved.
 */
export async function flushAround(
  store: Pick<ProjectionStore, 'flush'>,
  flush: ProjectionFlush,
  setApart: SetApart,
): Promise<ReadonlySet<number>> {
  try {
    return await store.flush(flush);
  } catch (error) {
    if (!(error instanceof FlushRefusedError)) throw error;
    const parts = partsOf(flush);
    if (parts.length === 0) throw error;
    return await new Split(store, setApart).without(error, flush.moves, parts);
  }
}

class Split {
  readonly #store: Pick<ProjectionStore, 'flush'>;
  readonly #setApart: SetApart;

  constructor(store: Pick<ProjectionStore, 'flush'>, setApart: SetApart) {
    this.#store = store;
    this.#setApart = setApart;
  }

  /** All of them together were refused. */
  async without(error: FlushRefusedError, moves: Moves, parts: readonly Part[]): Promise<ReadonlySet<number>> {
    if (parts.length === 1) return this.#leaveOut(error, moves, parts[0]!);
    const middle = parts.length >> 1;
    const first = parts.slice(0, middle);
    const second = parts.slice(middle);
    const inFirst = shardsOf(first);
    const inSecond = shardsOf(second);
    const early = moves.filter(({ shard }) => inFirst.has(shard));
    const moved = await this.#send(
      early.map((move) => (inSecond.has(move.shard) ? standing(move) : move)),
      first,
    );
    const late = moves.filter(({ shard }) => inSecond.has(shard) || !inFirst.has(shard));
    const ended = [...moved].filter((shard) => !inSecond.has(shard));
    return new Set([...ended, ...(await this.#send(late, second))]);
  }

  async #send(moves: Moves, parts: readonly Part[]): Promise<ReadonlySet<number>> {
    try {
      return await this.#store.flush(flushOf(moves, parts));
    } catch (error) {
      if (!(error instanceof FlushRefusedError)) throw error;
      return this.without(error, moves, parts);
    }
  }

  async #leaveOut(refusal: FlushRefusedError, moves: Moves, part: Part): Promise<ReadonlySet<number>> {
    // Were the statement refused whatever it carries, every entity would be set apart, one after another.
    await this.#store.flush(flushOf(moves.map(standing), []));
    const { entityId, shard, what } = part;
    await this.#setApart({ entityId, shard, what, reason: `its ${what} can't be written: ${refusal.message}` });
    return this.#store.flush(flushOf(moves, []));
  }
}

function standing({ shard, from }: Moves[number]): Moves[number] {
  return { shard, from, to: from };
}

function shardsOf(parts: readonly Part[]): ReadonlySet<number> {
  return new Set(parts.map(({ shard }) => shard));
}

/** By shard, so that few shards have parts in both halves. */
function partsOf({ changes, wakeUps, settled }: ProjectionFlush): Part[] {
  const parts: Part[] = [
    ...changes.map((change) => {
      return { shard: change.shard, entityId: change.entityId, what: 'view' as const, change };
    }),
    ...wakeUps.map((wakeUp) => ({ ...wakeUp, what: 'wake-up' as const, wakeUp })),
    ...settled.map((each) => ({ ...each, what: 'wake-up' as const, settled: each })),
  ];
  return parts.sort((a, b) => a.shard - b.shard);
}

function flushOf(moves: Moves, parts: readonly Part[]): ProjectionFlush {
  return {
    moves,
    changes: parts.flatMap(({ change }) => change ?? []),
    wakeUps: parts.flatMap(({ wakeUp }) => wakeUp ?? []),
    settled: parts.flatMap(({ settled }) => settled ?? []),
  };
}
