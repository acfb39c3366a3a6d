/**
 * Stores how far each shard is published. It saves now and then, and soon after a shard has left: the next owner reads
 * the checkpoint now, and publishes once more what it does not find in it.
 */
import type { Logger } from 'pino';
import type { Clock } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';
import { LastingFailure } from '../../kernel/lasting-failure.ts';
import type { RelayStore } from '../../persistence/ports.ts';
import type { RelayedShard } from './relayed-shard.ts';

interface CheckpointsDeps {
  readonly store: Pick<RelayStore, 'saveCheckpoints'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** What a person should do while they can't be stored. */
  readonly remedy: string;
}

export class Checkpoints {
  readonly failure: LastingFailure;
  readonly #deps: CheckpointsDeps;
  /** Those that the store does not know yet. */
  #unsaved = new Map<number, number>();
  readonly #saved = new Map<number, number>();
  #saving: Promise<void> | undefined;
  #savingSoon = false;

  constructor(deps: CheckpointsDeps) {
    this.#deps = deps;
    const { log, clock, remedy } = deps;
    this.failure = new LastingFailure({
      ...{ log, clock, remedy },
      what: 'how far events are published could not be stored',
    });
  }

  /** Notes how far a shard is confirmed. */
  note(shard: RelayedShard): void {
    if (!shard.begun || (this.#saved.get(shard.shard) ?? 0) >= shard.confirmed) return;
    this.#unsaved.set(shard.shard, shard.confirmed);
    this.#saved.set(shard.shard, shard.confirmed);
  }

  /** A shard leaves: its last checkpoint is noted, and saved soon with those of others that leave with it. */
  leave(shard: RelayedShard): void {
    this.note(shard);
    this.#saved.delete(shard.shard);
    if (this.#savingSoon) return;
    this.#savingSoon = true;
    this.#deps.clock.soon(() => {
      this.#savingSoon = false;
      void this.save();
    });
  }

  /** Never throws: what could not be stored is stored the next time. */
  save(): Promise<void> {
    if (this.#saving) return this.#saving;
    if (this.#unsaved.size === 0) return Promise.resolve();
    const checkpoints = this.#unsaved;
    this.#unsaved = new Map();
    this.#saving = this.#deps.store
      .saveCheckpoints(checkpoints)
      .then(() => this.failure.succeeded())
      .catch((error: unknown) => {
        this.failure.failed(messageOf(error), { shards: checkpoints.size });
        for (const [shard, seq] of checkpoints) this.#unsaved.set(shard, Math.max(seq, this.#unsaved.get(shard) ?? 0));
      })
      .finally(() => (this.#saving = undefined));
    return this.#saving;
  }
}
