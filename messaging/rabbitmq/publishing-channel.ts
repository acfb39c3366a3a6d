/**
 * A channel that takes many publications in one write, each with its own confirm. The client writes three small pieces
 * a message and waits for each, which costs several times as much CPU (docs/decisions.md, 39). The client opens the
 * channel, counts the unconfirmed and receives the broker's answers, as for its own publications: only the bytes are
 * ours. For that we reach into it: its version is exact, and a test with a real broker fails where it keeps these
 * things elsewhere.
 */
import type { Channel, Connection, ReturnedMessage } from 'rabbitmq-client';
import type { Clock } from '../../kernel/clock.ts';
import { stateOf, type ChannelState } from '../../patched/rabbitmq-channel.ts';
import { PublicationWriter, type Publication } from './publication.ts';

/** The outcome of a publication: one of the two is called, once. */
export interface Confirm {
  /** The broker has it for good, in a queue. */
  resolve(): void;
  /** The broker does not have it, or may not. */
  reject(error: unknown): void;
}

export class UnroutableError extends Error {
  override readonly name = 'UnroutableError';
}

/**
 * The broker answers within milliseconds, and within seconds while a quorum queue elects a leader or a disk is slow. A
 * confirm that takes longer is lost: its publication would wait without end.
 */
export const CONFIRM_TIMEOUT_MS = 30_000;

/** No confirm came in time: the broker has the message, or not. */
export class ConfirmTimeoutError extends Error {
  override readonly name = 'ConfirmTimeoutError';

  constructor(timeoutMs: number) {
    super(`no confirm came within ${timeoutMs} ms; it is published again`);
  }
}

/** Kept of a publication until it is confirmed. Its bytes are gone; its owner can make it again. */
class Unconfirmed implements Confirm {
  readonly messageId: string;
  readonly exchange: string;
  readonly routingKey: string;
  readonly confirm: Confirm;
  /** Monotonic. */
  readonly addedAtMs: number;
  readonly #onConfirm: (unconfirmed: Unconfirmed) => void;

  constructor(
    { messageId, exchange, routingKey }: Publication,
    confirm: Confirm,
    addedAtMs: number,
    onConfirm: (its: Unconfirmed) => void,
  ) {
    this.messageId = messageId;
    this.exchange = exchange;
    this.routingKey = routingKey;
    this.confirm = confirm;
    this.addedAtMs = addedAtMs;
    this.#onConfirm = onConfirm;
  }

  resolve(): void {
    this.#onConfirm(this);
  }

  /** The client is in the middle of rejecting, and a listener may want to publish at once. */
  reject(error: unknown): void {
    queueMicrotask(() => this.confirm.reject(error));
  }
}

export class PublishingChannel {
  readonly #channel: Channel;
  readonly #state: ChannelState;
  readonly #clock: Clock;
  /** When the write that is being gathered began. */
  #gatheredAtMs = 0;
  /** The writer of the next write. */
  #writer: PublicationWriter | undefined;
  #bytesLastTime: number | undefined;
  /** Returned as unroutable, by message id. */
  readonly #returned = new Set<string>();
  #confirmed: Unconfirmed[] = [];

  /** @throws where there is no connection in time. */
  static async open(connection: Connection, clock: Clock): Promise<PublishingChannel> {
    const channel = await connection.acquire();
    await channel.confirmSelect();
    return new PublishingChannel(channel, clock);
  }

  private constructor(channel: Channel, clock: Clock) {
    this.#channel = channel;
    this.#clock = clock;
    this.#state = stateOf(channel);
    channel.on('basic.return', ({ messageId }: ReturnedMessage) => {
      if (messageId !== undefined) this.#returned.add(messageId);
    });
  }

  /** False: it was closed, by either side. Unconfirmed publications were rejected. */
  get isOpen(): boolean {
    return this.#channel.active;
  }

  /** Takes it for the next write. Unconfirmed publications must have different message ids. */
  add(publication: Publication, confirm: Confirm): void {
    const state = this.#state;
    try {
      if (!this.isOpen) throw new Error('the channel is closed');
      if (!this.#writer) {
        this.#writer = new PublicationWriter(this.#channel.id, state.maxFrameSize, this.#bytesLastTime);
        this.#gatheredAtMs = this.#clock.monotonicMs();
      }
      this.#writer.add(publication);
    } catch (error) {
      confirm.reject(error);
      return;
    }
    const unconfirmed = new Unconfirmed(publication, confirm, this.#gatheredAtMs, this.#onConfirm);
    state.unconfirmed.set(state.deliveryCount++, unconfirmed);
  }

  /** How long the oldest publication has waited for its confirm; 0 where none does. */
  get oldestUnconfirmedMs(): number {
    const [oldest] = this.#state.unconfirmed.values();
    return oldest instanceof Unconfirmed ? this.#clock.monotonicMs() - oldest.addedAtMs : 0;
  }

  /** Gives up the unconfirmed publications and the channel: a late confirm must not reach another publication. */
  abandon(error: unknown): void {
    const { unconfirmed } = this.#state;
    const abandoned = [...unconfirmed.values()];
    unconfirmed.clear();
    // The channel itself may not answer, so its close is not awaited.
    this.#channel.close().catch(() => undefined);
    for (const each of abandoned) each.reject(error);
  }

  /** Writes what was added. */
  write(): void {
    if (!this.#writer) return;
    const { bytes } = this.#writer;
    this.#writer = undefined;
    this.#bytesLastTime = Math.ceil(bytes.length * 1.25);
    // A failed write closes the channel, which rejects all unconfirmed publications.
    this.#state.stream.write([bytes].values(), () => undefined);
  }

  async close(): Promise<void> {
    await this.#channel.close();
  }

  /**
   * A returned message is confirmed as well, and the client reports the return a turn of the event loop late. So a
   * confirm of this turn is judged in the one after the next.
   */
  readonly #onConfirm = (unconfirmed: Unconfirmed): void => {
    if (this.#confirmed.length === 0) {
      this.#clock.soon(() => {
        const confirmed = this.#confirmed;
        this.#confirmed = [];
        this.#clock.soon(() => this.#judge(confirmed));
      });
    }
    this.#confirmed.push(unconfirmed);
  };

  #judge(confirmed: readonly Unconfirmed[]): void {
    for (const { messageId, exchange, routingKey, confirm } of confirmed) {
      if (!this.#returned.delete(messageId)) confirm.resolve();
      else confirm.reject(new UnroutableError(`no queue is bound for "${routingKey}" of "${exchange}"`));
    }
  }
}
