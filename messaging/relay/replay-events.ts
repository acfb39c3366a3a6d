/**
 * Publishes events of the journal once more, to one queue and under the same message ids: for a consumer that comes
 * late, or lost something. Reads shard after shard; in order per entity, as the relay does.
 */
import type { Kinds } from '../../runtime/kinds.ts';
import { messageOf } from '../../kernel/errors.ts';
import type { JournalRow, JournalStore } from '../../persistence/ports.ts';
import type { PublicMessage, PublicMessages } from '../contracts/public-message.ts';
import { decodedRow, messagesOf } from './row-messages.ts';

const ROWS_PER_READ = 500;
/** Entities whose messages are published at a time. */
const CHAINS_MAX = 200;

export interface ReplaySelection {
  /** By the time of the rows; inclusive. */
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
  /** Routing keys; undefined: all. */
  readonly types: ReadonlySet<string> | undefined;
}

export interface ReplayTally {
  rows: number;
  published: number;
  /** Entities of which some row could not be read: their later events are left out. */
  readonly unreadable: Map<string, string>;
}

export interface Replay {
  readonly journal: Pick<JournalStore, 'readShard'>;
  readonly kinds: Kinds;
  readonly shards: number;
  readonly selection: ReplaySelection;
  readonly messages: PublicMessages;
  readonly publish: (message: PublicMessage) => Promise<void>;
  readonly onProgress: (tally: ReplayTally) => void;
}

/** @throws what `publish` throws: the rest is not published. */
export async function replayEvents(replay: Replay): Promise<ReplayTally> {
  const { journal, shards, publish, onProgress } = replay;
  const tally: ReplayTally = { rows: 0, published: 0, unreadable: new Map() };
  for (let shard = 0; shard < shards; shard++) {
    for (let at = 0; ;) {
      const rows = await journal.readShard(shard, at, ROWS_PER_READ);
      if (rows.length === 0) break;
      at = rows.at(-1)!.seq;
      await publishAll(chainsOf(rows, replay, tally), publish, tally);
      tally.rows += rows.length;
      onProgress(tally);
    }
  }
  return tally;
}

/** By entity, each in order. */
function chainsOf(rows: readonly JournalRow[], { kinds, selection, messages }: Replay, tally: ReplayTally) {
  const { fromMs, toMs, types } = selection;
  const chains = new Map<string, PublicMessage[]>();
  for (const row of rows) {
    const { entityId, at } = row;
    if (at < fromMs || at >= toMs || !kinds.find(entityId) || tally.unreadable.has(entityId)) continue;
    try {
      for (const message of messagesOf(decodedRow(kinds, row), row.epoch, messages)) {
        if (types?.has(message.routingKey) === false) continue;
        const chain = chains.get(entityId);
        if (chain) chain.push(message);
        else chains.set(entityId, [message]);
      }
    } catch (error) {
      tally.unreadable.set(entityId, messageOf(error));
    }
  }
  return [...chains.values()];
}

/** A page is done before the next begins, so an entity's messages keep their order over pages, too. */
async function publishAll(
  chains: PublicMessage[][],
  publish: (message: PublicMessage) => Promise<void>,
  tally: ReplayTally,
): Promise<void> {
  const worker = async (): Promise<void> => {
    for (let chain = chains.pop(); chain; chain = chains.pop()) {
      for (const message of chain) {
        await publish(message);
        tally.published++;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(CHAINS_MAX, chains.length) }, worker));
}
