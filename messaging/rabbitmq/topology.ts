/**
 * The exchanges, queues and bindings on the broker, as data. All are durable but the exchange between nodes, whose
 * messages are useless after a restart. declare-topology.ts talks to the broker.
 *
 *   orders.events --(no binding matches; or one does, and no queue is behind it: the relay sends it)--> orders.unrouted
 *
 *   orders.commands ----------> [orders.commands] --(handled)
 *                                  ^      |   |
 *                  time is over    |      |   '--(given up)--> orders.dlx --> [orders.commands.dlq]
 *                     [orders.retry.*] <--'(not yet)
 *
 * Works from RabbitMQ 3.10 (at-least-once dead letters, TTL on quorum queues) to 4.x.
 */

export interface ExchangeSpec {
  readonly name: string;
  readonly type: 'topic' | 'fanout' | 'direct';
  readonly durable: boolean;
  readonly arguments: Readonly<Record<string, string>>;
}

export interface QueueSpec {
  readonly name: string;
  readonly arguments: Readonly<Record<string, string | number>>;
}

export interface BindingSpec {
  readonly exchange: string;
  readonly queue: string;
  readonly routingKey: string;
}

export interface Topology {
  /** The virtual host's owner; where it is another deployment, nothing else is declared. Undefined: not asked. */
  readonly claim?: ExchangeSpec;
  readonly exchanges: readonly ExchangeSpec[];
  readonly queues: readonly QueueSpec[];
  readonly bindings: readonly BindingSpec[];
  /** Routing keys of `orders.retry`, the shortest delay first. */
  readonly retryRungs: readonly string[];
}

/** Its alternate exchange names the deployment: see deployment-claim.ts. */
export const CLAIM_EXCHANGE = 'holdfast.deployment';
export const EVENTS_EXCHANGE = 'orders.events';
export const UNROUTED = 'orders.unrouted';
export const COMMANDS_EXCHANGE = 'orders.commands';
export const COMMANDS_QUEUE = 'orders.commands';
export const DEAD_LETTER_EXCHANGE = 'orders.dlx';
export const DEAD_LETTER_QUEUE = 'orders.commands.dlq';
export const RETRY_EXCHANGE = 'orders.retry';
/** The mark of the journal: see mark-queue.ts. */
export const SEEN_QUEUE = 'holdfast.seen';
/** Between the nodes. */
export const NODE_EXCHANGE = 'holdfast.node';

/** A glitch, a restart, an outage. */
const RETRY_DELAYS_MS = [1_000, 10_000, 60_000];
/**
 * Each crash of a worker counts for all messages that it had not answered. Lower, a node's bad minute would put
 * innocent messages aside; higher, a message that kills its reader would kill for longer. It is the default of RabbitMQ
 * 4.
 */
const DELIVERY_LIMIT = 20;
/**
 * To look at a message of the DLQ is to take it and give it back, which counts as a delivery. By default RabbitMQ 4
 * drops a message after 20 of them. RabbitMQ 3.10 does not understand -1 (never).
 */
const DEAD_LETTER_DELIVERIES_MAX = 1_000_000_000;
/** For people to look at; the oldest are dropped. */
const UNROUTED_MESSAGES_MAX = 100_000;

/** At least once: the message stays where it is until the dead-letter queue has it. It requires `reject-publish`. */
const SAFE_DEAD_LETTERS = { 'x-dead-letter-strategy': 'at-least-once', 'x-overflow': 'reject-publish' } as const;

/** Classic: a lost one costs only a new incarnation, and a look at its message does not count as a delivery. */
export const SEEN_QUEUE_SPEC: QueueSpec = {
  name: SEEN_QUEUE,
  arguments: { 'x-queue-type': 'classic', 'x-max-length': 1, 'x-overflow': 'drop-head' },
};

export interface TopologyOptions {
  /** Ascending. */
  readonly retryDelaysMs?: readonly number[];
  readonly deliveryLimit?: number;
  /** Of the database that the host is for. */
  readonly deploymentId?: string;
}

/** The topology of this version. Delays and limits are for tests: they change names or arguments on the broker. */
export function ordersTopology(options: TopologyOptions = {}): Topology {
  const { retryDelaysMs = RETRY_DELAYS_MS, deliveryLimit = DELIVERY_LIMIT, deploymentId } = options;
  const rungs = retryDelaysMs.map((delayMs) => ({ delayMs, name: nameOfDelay(delayMs) }));
  return {
    ...(deploymentId !== undefined && { claim: claimOf(deploymentId) }),
    exchanges: [
      { name: UNROUTED, type: 'fanout', durable: true, arguments: {} },
      { name: EVENTS_EXCHANGE, type: 'topic', durable: true, arguments: { 'alternate-exchange': UNROUTED } },
      { name: DEAD_LETTER_EXCHANGE, type: 'topic', durable: true, arguments: {} },
      { name: RETRY_EXCHANGE, type: 'topic', durable: true, arguments: {} },
      { name: COMMANDS_EXCHANGE, type: 'topic', durable: true, arguments: {} },
      // Each worker binds its own queue to it, for as long as it is connected: see rabbitmq-transport.ts.
      { name: NODE_EXCHANGE, type: 'direct', durable: false, arguments: {} },
    ],
    queues: [
      {
        // Classic: its messages need not survive, and a look does not count as a delivery.
        name: UNROUTED,
        arguments: { 'x-queue-type': 'classic', 'x-max-length': UNROUTED_MESSAGES_MAX, 'x-overflow': 'drop-head' },
      },
      SEEN_QUEUE_SPEC,
      {
        name: DEAD_LETTER_QUEUE,
        arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': DEAD_LETTER_DELIVERIES_MAX },
      },
      {
        name: COMMANDS_QUEUE,
        arguments: {
          'x-queue-type': 'quorum',
          'x-delivery-limit': deliveryLimit,
          'x-dead-letter-exchange': DEAD_LETTER_EXCHANGE,
          ...SAFE_DEAD_LETTERS,
        },
      },
      ...rungs.map(({ delayMs, name }) => ({
        name: `${RETRY_EXCHANGE}.${name}`,
        arguments: {
          'x-queue-type': 'quorum',
          'x-message-ttl': delayMs,
          'x-dead-letter-exchange': '',
          'x-dead-letter-routing-key': COMMANDS_QUEUE,
          ...SAFE_DEAD_LETTERS,
        },
      })),
    ],
    bindings: [
      { exchange: UNROUTED, queue: UNROUTED, routingKey: '' },
      { exchange: DEAD_LETTER_EXCHANGE, queue: DEAD_LETTER_QUEUE, routingKey: '#' },
      ...rungs.map(({ name }) => ({ exchange: RETRY_EXCHANGE, queue: `${RETRY_EXCHANGE}.${name}`, routingKey: name })),
      // All keys: a command with an unknown key is answered and put aside with a reason, not lost.
      { exchange: COMMANDS_EXCHANGE, queue: COMMANDS_QUEUE, routingKey: '#' },
    ],
    retryRungs: rungs.map(({ name }) => name),
  };
}

export function claimOf(deploymentId: string): ExchangeSpec {
  // The id alone: the broker cuts what it says of a difference at 255 bytes, and both ids should be in it.
  return { name: CLAIM_EXCHANGE, type: 'fanout', durable: true, arguments: { 'alternate-exchange': deploymentId } };
}

/** Holdfast's own, of every version's delays: what is put in there by others is lost, or taken for a command. */
export function isOwnQueue(name: string): boolean {
  const names: readonly string[] = [UNROUTED, COMMANDS_QUEUE, DEAD_LETTER_QUEUE];
  return names.includes(name) || name.startsWith(`${RETRY_EXCHANGE}.`) || name.startsWith('holdfast.');
}

function nameOfDelay(delayMs: number): string {
  return delayMs % 1_000 === 0 ? `${delayMs / 1_000}s` : `${delayMs}ms`;
}
