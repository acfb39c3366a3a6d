/**
 * Owns a channel that takes many publications in one write, each with its own confirm. The client writes three small
 * pieces a message and waits for each, which costs several times as much CPU (docs/decisions.md). It opens the channel,
 * counts what is unconfirmed and hears the broker's word, all as it does for its own: only the bytes are ours. For that
 * we reach into it: its version is exact, and a test with a real broker fails where it keeps these things elsewhere.
 */
import type { Writable } from 'node:stream';
import type { Channel, Connection, ReturnedMessage } from 'rabbitmq-client';
import { PublicationWriter, type Publication } from './publication.ts';

/** What is to be heard of a publication, one of the two, once. */
export interface Confirm {
  /** The broker has it for good, in a queue. */
  resolve(): void;
  /** It does not, or may not. */
  reject(error: unknown): void;
}

/** What the client keeps of a channel. */
interface ChannelState {
  /** The number of the next publication. */
  deliveryCount: number;
  readonly unconfirmed: Map<number, Confirm>;
  /** Takes iterables of bytes; writes them when the socket has room. */
  readonly stream: Writable;
  readonly maxFrameSize: number;
}

export class UnroutableError extends Error {
  override readonly name = 'UnroutableError';
}

/** What is kept of a publication until it is confirmed: its bytes are gone, and its owner may make it again. */
class Unconfirmed implements Confirm {
  readonly messageId: string;
  readonly routingKey: string;
  readonly confirm: Confirm;
  readonly #onConfirm: (unconfirmed: Unconfirmed) => void;

  constructor({ messageId, routingKey }: Publication, confirm: Confirm, onConfirm: (its: Unconfirmed) => void) {
    this.messageId = messageId;
    this.routingKey = routingKey;
    this.confirm = confirm;
    this.#onConfirm = onConfirm;
  }

  resolve(): void {
    this.#onConfirm(this);
  }

  /** The client is in the middle of what it rejects: whoever hears of it may want to publish at once. */
  reject(error: unknown): void {
    queueMicrotask(() => this.confirm.reject(error));
  }
}

export class PublishingChannel {
  readonly #channel: Channel;
  readonly #state: ChannelState;
  /** Of what is to be written next. */
  #writer: PublicationWriter | undefined;
  #bytesLastTime: number | undefined;
  /** Came back as unroutable; told apart by their message ids. */
  readonly #returned = new Set<string>();
  #confirmed: Unconfirmed[] = [];

  /** @throws where there is no connection in time. */
  static async open(connection: Connection): Promise<PublishingChannel> {
    const channel = await connection.acquire();
    await channel.confirmSelect();
    return new PublishingChannel(channel);
  }

  private constructor(channel: Channel) {
    this.#channel = channel;
    this.#state = (channel as unknown as { readonly _state: ChannelState })._state;
    channel.on('basic.return', ({ messageId }: ReturnedMessage) => {
      if (messageId !== undefined) this.#returned.add(messageId);
    });
  }

  /** False: it was closed, by whomever. Who was not confirmed by then is told so. */
  get isOpen(): boolean {
    return this.#channel.active;
  }

  /** Takes it for the next write. Message ids must differ among what is unconfirmed. */
  add(publication: Publication, confirm: Confirm): void {
    const state = this.#state;
    try {
      if (!this.isOpen) throw new Error('the channel is closed');
      this.#writer ??= new PublicationWriter(this.#channel.id, state.maxFrameSize, this.#bytesLastTime);
      this.#writer.add(publication);
    } catch (error) {
      confirm.reject(error);
      return;
    }
    state.unconfirmed.set(state.deliveryCount++, new Unconfirmed(publication, confirm, this.#onConfirm));
  }

  /** Writes what was added. */
  write(): void {
    if (!this.#writer) return;
    const { bytes } = this.#writer;
    this.#writer = undefined;
    this.#bytesLastTime = Math.ceil(bytes.length * 1.25);
    // What goes wrong in writing closes the channel, and that tells all who are unconfirmed.
    this.#state.stream.write([bytes].values(), () => undefined);
  }

  async close(): Promise<void> {
    await this.#channel.close();
  }

  /**
   * A returned message is confirmed as well, and the client tells of the return a turn of the event loop late. So what
   * is confirmed in this turn is judged in the one after the next.
   */
  readonly #onConfirm = (unconfirmed: Unconfirmed): void => {
    if (this.#confirmed.length === 0) {
      setImmediate(() => {
        const confirmed = this.#confirmed;
        this.#confirmed = [];
        setImmediate(() => this.#judge(confirmed));
      });
    }
    this.#confirmed.push(unconfirmed);
  };

  #judge(confirmed: readonly Unconfirmed[]): void {
    for (const { messageId, routingKey, confirm } of confirmed) {
      if (!this.#returned.delete(messageId)) confirm.resolve();
      else confirm.reject(new UnroutableError(`no queue is bound for "${routingKey}"`));
    }
  }
}
