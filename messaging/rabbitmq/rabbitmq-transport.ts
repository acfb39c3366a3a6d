/**
 * The transport between workers of different nodes: one exclusive queue a worker, and many envelopes a message. Like
 * every transport it delivers at most once and never sends again; messages are transient and not confirmed, because an
 * ask has its own deadline and its own command id.
 *
 * While the broker is away nothing is sent: new asks are answered as unavailable, those under way as unknown, and
 * waiting entities send the steps of orders again. A message for a worker whose queue is gone comes back, and its asks
 * go to the shard's next owner.
 */
import type { Logger } from 'pino';
import type { AsyncMessage, Consumer, Publisher, ReturnedMessage } from 'rabbitmq-client';
import { elsewhere, failed, type Ask, type ShardAnswer } from '../../runtime/ask.ts';
import type { ShardReply } from '../../runtime/entity/entity-host.ts';
import type { WorkerId } from '../../runtime/sharding/peers.ts';
import type { Clock, Timer } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';
import { LastingFailure } from '../../kernel/lasting-failure.ts';
import { endsWithin } from '../../kernel/stop-order.ts';
import type { Envelope } from '../envelope.ts';
import type { Receive } from '../local-socket/local-socket-transport.ts';
import type { Way } from '../peer-watch.ts';
import { UnansweredAsks, WINDOW_MAX } from '../unanswered-asks.ts';
import type { Broker } from './broker.ts';
import { NODE_EXCHANGE } from './topology.ts';
import { brokerFailure } from './broker-failure.ts';

export const queueOfWorker = (worker: WorkerId): string => `${NODE_EXCHANGE}.${worker}`;
const EXCHANGE = { exchange: NODE_EXCHANGE, type: 'direct', durable: false } as const;
const bindingOf = (worker: WorkerId) => ({
  exchange: NODE_EXCHANGE,
  queue: queueOfWorker(worker),
  routingKey: worker,
});

/** One message stays small enough that it doesn't keep the event loop, or the broker, for long. */
const ENVELOPES_PER_MESSAGE_MAX = 200;
const MESSAGE_CHARS_MAX = 4 * 1024 * 1024;
/** Limit of bytes that the broker has not taken yet; beyond it only steps of orders under way are sent. */
const BACKLOG_BYTES_MAX = 64 * 1024 * 1024;
/** A message that lay in a queue for longer is useless: its askers have given up. */
const MESSAGE_TTL_MS = 30_000;
const QUEUE_BYTES_MAX = 256 * 1024 * 1024;
const SWEEP_INTERVAL_MS = 250;

export interface RabbitMqTransportOptions {
  readonly broker: Broker;
  readonly workerId: WorkerId;
  readonly receive: Receive;
  readonly log: Logger;
  readonly clock: Clock;
}

interface Peer {
  readonly waiting: UnansweredAsks;
  outgoing: Envelope[];
}

export class RabbitMqTransport implements Way {
  readonly #options: RabbitMqTransportOptions;
  readonly #peers = new Map<WorkerId, Peer>();
  readonly #publisher: Publisher;
  readonly #consumer: Consumer;
  readonly #listening: Promise<void>;
  readonly #sweeper: Timer;
  /** Whether an answer would find this worker: its queue goes with the connection, and comes back a little after it. */
  #reachable = false;
  #backlogBytes = 0;
  #nextId = 1;
  readonly #consuming: LastingFailure;
  readonly #binding: LastingFailure;
  #isBinding = false;

  constructor(options: RabbitMqTransportOptions) {
    this.#options = options;
    const { broker, workerId, log, clock } = options;
    const remedy = 'Other nodes may not reach this one. Look at the reason, and at "npm run -s topology -- verify".';
    const said = { log, clock, remedy };
    this.#consuming = new LastingFailure({ ...said, what: 'the queue for messages of other nodes is not consumed' });
    this.#binding = new LastingFailure({ ...said, what: 'the exchange between nodes could not be made again' });
    const exchanges = [EXCHANGE];
    const queue = queueOfWorker(workerId);
    this.#publisher = broker.connection.createPublisher({ confirm: false, exchanges });
    this.#publisher.on('basic.return', (message) => this.#undelivered(message));
    this.#consumer = broker.connection.createConsumer(
      {
        queue,
        queueOptions: {
          queue,
          exclusive: true,
          durable: false,
          autoDelete: true,
          arguments: { 'x-max-length-bytes': QUEUE_BYTES_MAX, 'x-overflow': 'drop-head' },
        },
        exchanges,
        queueBindings: [bindingOf(workerId)],
        noAck: true,
      },
      (message) => this.#receive(message),
    );
    this.#consumer.on('error', (error: unknown) => this.#consuming.failed(brokerFailure(error).reason));
    this.#consumer.on('ready', () => {
      this.#consuming.succeeded();
      this.#reachable = broker.state !== 'down';
    });
    this.#listening = new Promise((resolve) => this.#consumer.once('ready', resolve));
    broker.onChange((state) => {
      if (state !== 'down') return;
      this.#reachable = false;
      this.#brokerLost();
    });
    this.#sweeper = clock.every(SWEEP_INTERVAL_MS, () => this.#expire(), { unref: true });
  }

  /** Why other nodes can't reach this worker by the broker. */
  get failures(): readonly LastingFailure[] {
    return [this.#consuming, this.#binding];
  }

  /** Resolves when other nodes can reach this worker for the first time, or after `timeoutMs`. */
  async listen(timeoutMs: number): Promise<void> {
    await endsWithin(this.#listening, timeoutMs, this.#options.clock);
  }

  ask(owner: WorkerId, ask: Ask, internal: boolean, reply: ShardReply): void {
    if (this.#options.broker.state !== 'up' || !this.#reachable)
      return reply(failed('unavailable', 'RabbitMQ takes no messages now'));
    const peer = this.#peerOf(owner);
    const crowded = peer.waiting.size >= WINDOW_MAX || this.#backlogBytes >= BACKLOG_BYTES_MAX;
    if (crowded && !internal) return reply(failed('overloaded', `too many asks wait for worker ${owner}`));
    const id = this.#nextId++;
    peer.waiting.add(id, ask, reply, this.#options.clock.monotonicMs());
    this.#send(owner, { kind: 'ask', id, internal, ask });
  }

  answersFrom(worker: WorkerId): number {
    return this.#peers.get(worker)?.waiting.answered ?? 0;
  }

  /** Leaves peers that are no longer members, so that waiting asks can go to the successor. */
  keepOnly(isMember: (worker: WorkerId) => boolean): void {
    for (const [worker, { waiting }] of this.#peers) {
      if (isMember(worker)) continue;
      this.#peers.delete(worker);
      waiting.end((ask) => elsewhere(ask.command ? 'unknown' : 'no', `worker ${worker} is gone`));
    }
  }

  async close(): Promise<void> {
    this.#sweeper.cancel();
    this.#brokerLost();
    if (this.#options.broker.state === 'down') return;
    await Promise.allSettled([this.#consumer.close(), this.#publisher.close()]);
  }

  #peerOf(worker: WorkerId): Peer {
    let peer = this.#peers.get(worker);
    if (!peer) this.#peers.set(worker, (peer = { waiting: new UnansweredAsks(), outgoing: [] }));
    return peer;
  }

  /** Together with all that goes to this worker within one turn of the event loop. */
  #send(worker: WorkerId, envelope: Envelope): void {
    const peer = this.#peerOf(worker);
    if (peer.outgoing.length === 0) this.#options.clock.soon(() => this.#flush(worker, peer));
    peer.outgoing.push(envelope);
  }

  #flush(worker: WorkerId, peer: Peer): void {
    const outgoing = peer.outgoing;
    peer.outgoing = [];
    for (let start = 0; start < outgoing.length; start += ENVELOPES_PER_MESSAGE_MAX) {
      this.#publish(worker, outgoing.slice(start, start + ENVELOPES_PER_MESSAGE_MAX));
    }
  }

  #publish(worker: WorkerId, envelopes: readonly Envelope[]): void {
    const text = JSON.stringify(envelopes);
    if (text.length > MESSAGE_CHARS_MAX && envelopes.length > 1) {
      this.#publish(worker, envelopes.slice(0, envelopes.length >> 1));
      this.#publish(worker, envelopes.slice(envelopes.length >> 1));
      return;
    }
    const body = Buffer.from(text);
    this.#backlogBytes += body.length;
    this.#publisher
      .send(
        {
          exchange: NODE_EXCHANGE,
          routingKey: worker,
          replyTo: this.#options.workerId,
          contentType: 'application/json',
          expiration: String(MESSAGE_TTL_MS),
          mandatory: true,
        },
        body,
      )
      // After a broken connection #brokerLost answers the waiting asks.
      .catch((error: unknown) =>
        this.#options.log.debug({ reason: messageOf(error) }, 'a message to another node was not sent'),
      )
      .finally(() => (this.#backlogBytes -= body.length));
  }

  #receive({ body, replyTo }: AsyncMessage): void {
    if (!Array.isArray(body) || replyTo === undefined) return; // none of ours
    for (const envelope of body as readonly Envelope[]) {
      const { id } = envelope;
      if (envelope.kind === 'answer') this.#peers.get(replyTo)?.waiting.answer(id, envelope.answer);
      else
        this.#options.receive(envelope.ask, envelope.internal, (answer: ShardAnswer) =>
          this.#send(replyTo, { kind: 'answer', id, answer }),
        );
    }
  }

  /** That worker's queue is gone, so nothing was applied. Answers that come back were for a dead asker. */
  #undelivered({ body, routingKey }: ReturnedMessage): void {
    if (routingKey === this.#options.workerId) void this.#bindAgain();
    const waiting = this.#peers.get(routingKey)?.waiting;
    if (!waiting || !Array.isArray(body)) return;
    for (const { kind, id } of body as readonly Envelope[])
      if (kind === 'ask') waiting.fail(id, elsewhere('no', `no queue of worker ${routingKey} is on this virtual host`));
  }

  /** A worker's own message came back: the exchange or the binding was deleted. Its queue is there: it consumes. */
  async #bindAgain(): Promise<void> {
    if (this.#isBinding) return;
    this.#isBinding = true;
    const { broker, workerId, log } = this.#options;
    try {
      const channel = await broker.connection.acquire();
      await channel.exchangeDeclare(EXCHANGE);
      await channel.queueBind(bindingOf(workerId));
      await channel.close();
      log.warn({ exchange: NODE_EXCHANGE }, 'the exchange or binding between nodes was gone; it is made again');
      this.#binding.succeeded();
    } catch (error) {
      this.#binding.failed(messageOf(error).slice(0, 300));
    } finally {
      this.#isBinding = false;
    }
  }

  /** Not sent to the shard's next owner: there is none, its owner lives. Who waits hears the truth as far as it is known. */
  #brokerLost(): void {
    for (const [worker, { waiting }] of this.#peers) {
      waiting.end((ask) =>
        failed(ask.command ? 'outcome_unknown' : 'unavailable', `the connection to worker ${worker} broke`),
      );
    }
  }

  #expire(): void {
    const now = this.#options.clock.monotonicMs();
    for (const [worker, { waiting }] of this.#peers) waiting.expire(now, `worker ${worker}`);
  }
}
