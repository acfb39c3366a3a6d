/**
 * A run's parts on the broker: if wanted, one durable queue that takes every event. It has no consumer; beyond its
 * limit it drops the oldest. It is removed after the run. The exchanges stay: a node declares missing ones.
 */
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { pino } from 'pino';
import { systemClock } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';
import { Broker } from '../../messaging/rabbitmq/broker.ts';
import { applyTopology } from '../../messaging/rabbitmq/declare-topology.ts';
import { holderOf } from '../../messaging/rabbitmq/deployment-claim.ts';
import { CLAIM_EXCHANGE, EVENTS_EXCHANGE, ordersTopology } from '../../messaging/rabbitmq/topology.ts';
import type { Cleanup } from '../host/cleanup.ts';
import { readProcessTable } from '../host/process-table.ts';
import type { EventTaker } from '../scenarios/scenario.ts';

type QueueKind = Exclude<EventTaker, 'no queue'>;
const QUEUES: Readonly<Record<QueueKind, Readonly<Record<string, string | number>>>> = {
  'quorum queue': { 'x-queue-type': 'quorum', 'x-max-length': 1_000_000, 'x-overflow': 'drop-head' },
  stream: { 'x-queue-type': 'stream', 'x-max-length-bytes': 1_000_000_000 },
};
/** As docs/integrators.md advises: all events of this major, and no other form of the same ones. */
const EVERY_EVENT = '*.*.v1';
const LOCAL_HOSTS = new Set(['127.0.0.1', 'localhost', '[::1]']);
const BROKER_COMMAND = 'beam.smp';
/** Up to Erlang 25, and after it. */
const SCHEDULER_THREAD = /^(\d+_scheduler|erts_sched_\d+)$/m;

/** A broker on this machine. */
export interface LocalBroker {
  readonly pid: number;
  /** Erlang's schedulers: how many cores the broker uses at a time, which decides the cost of a message. */
  readonly schedulers: number;
}

/** @returns the broker, if its process can be found. @throws where the broker can't be reached, or refuses */
export async function openEvents(
  amqpUrl: string,
  taker: EventTaker | undefined,
  cleanup: Cleanup,
): Promise<LocalBroker | undefined> {
  const broker = new Broker({
    url: amqpUrl,
    name: 'holdfast/bench',
    clock: systemClock,
    log: pino({ level: 'silent' }),
  });
  cleanup.add(() => broker.close());
  const { connection } = broker;
  try {
    const holder = await holderOf(connection);
    if (holder !== undefined) throw new Error(`its virtual host belongs to deployment ${holder}`);
    // Each run has a new database, and so another deployment.
    cleanup.add(async () => void (await connection.exchangeDelete({ exchange: CLAIM_EXCHANGE })));
    await applyTopology(connection, ordersTopology());
    if (taker !== undefined && taker !== 'no queue') await declare(connection, taker, cleanup);
  } catch (error) {
    throw new Error(`AMQP_URL: the broker can't be used (${messageOf(error)}); start it, or choose another`, {
      cause: error,
    });
  }
  return LOCAL_HOSTS.has(new URL(amqpUrl).hostname) ? findBroker() : undefined;
}

/** Undefined where there are several of its kind: an Erlang process does not say whose it is. */
function findBroker(): LocalBroker | undefined {
  const found = [...(readProcessTable()?.values() ?? [])].filter(({ command }) => command === BROKER_COMMAND);
  if (found.length !== 1) return undefined;
  const { pid } = found[0]!;
  const threads = readdirSync(`/proc/${pid}/task`).map((id) => readFileSync(`/proc/${pid}/task/${id}/comm`, 'latin1'));
  return { pid, schedulers: threads.filter((name) => SCHEDULER_THREAD.test(name)).length };
}

async function declare(connection: Broker['connection'], taker: QueueKind, cleanup: Cleanup): Promise<void> {
  const queue = `orders.bench.${randomBytes(4).toString('hex')}`;
  cleanup.add(async () => void (await connection.queueDelete({ queue })));
  await connection.queueDeclare({ queue, durable: true, arguments: QUEUES[taker] });
  await connection.queueBind({ queue, exchange: EVENTS_EXCHANGE, routingKey: EVERY_EVENT });
}
