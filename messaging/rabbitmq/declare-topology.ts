/**
 * Compares the topology with the broker's and makes the missing parts. It never deletes or replaces a part: one with
 * other arguments may hold messages, so it is reported by name and left to a person.
 *
 * A declaration that fails closes its channel, so each has one of its own. Bindings can't be seen over AMQP: they are
 * made again here, which changes nothing where they exist, and compared by what the management API shows
 * (management-api.ts).
 */
import { AMQPError, type Channel, type Connection } from 'rabbitmq-client';
import type { BindingSpec, ExchangeSpec, QueueSpec, Topology } from './topology.ts';

export type PartState =
  | 'present'
  /** It was missing and was made. */
  | 'created'
  | 'missing'
  /** It stands there with another type or other arguments. */
  | 'different';

export interface Finding {
  readonly kind: 'exchange' | 'queue' | 'binding';
  readonly name: string;
  readonly state: PartState;
  /** The broker's own words about the difference. */
  readonly detail?: string;
}

type Part =
  { readonly kind: 'exchange'; readonly spec: ExchangeSpec } | { readonly kind: 'queue'; readonly spec: QueueSpec };

/**
 * Makes the missing parts. It may be repeated, and nodes may do it at the same time.
 *
 * @returns a finding for each exchange and queue; a different one keeps its bindings, too. Where the host is another
 *   deployment's, that finding alone.
 * @throws what the connection throws.
 */
export async function applyTopology(connection: Connection, topology: Topology): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const part of partsOf(topology)) {
    const existed = await exists(connection, part);
    const detail = await differenceOf(connection, part);
    findings.push(findingOf(part, detail === undefined ? (existed ? 'present' : 'created') : 'different', detail));
    if (part.spec === topology.claim && detail !== undefined) return findings;
  }
  const different = new Set(
    findings.filter(({ state }) => state === 'different').map(({ kind, name }) => `${kind} ${name}`),
  );
  for (const { exchange, queue, routingKey } of topology.bindings) {
    // A part that seems not to be ours gets no messages from us.
    if (different.has(`exchange ${exchange}`) || different.has(`queue ${queue}`)) continue;
    await onChannel(connection, (channel) => channel.queueBind({ exchange, queue, routingKey }));
  }
  return findings;
}

/** Looks only. @returns a finding for each exchange and queue. @throws what the connection throws. */
export async function verifyTopology(connection: Connection, topology: Topology): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const part of partsOf(topology)) {
    if (!(await exists(connection, part))) {
      findings.push(findingOf(part, 'missing'));
      continue;
    }
    const detail = await differenceOf(connection, part);
    findings.push(findingOf(part, detail === undefined ? 'present' : 'different', detail));
  }
  return findings;
}

/** The findings that are not right. Empty: all are. */
export async function diffTopology(connection: Connection, topology: Topology): Promise<readonly Finding[]> {
  return (await verifyTopology(connection, topology)).filter(({ state }) => state !== 'present');
}

/** @param standing as the broker shows them. @returns a finding for each binding of the topology. */
export function compareBindings(topology: Topology, standing: readonly BindingSpec[]): readonly Finding[] {
  const names = new Set(standing.map(nameOfBinding));
  return topology.bindings.map((binding) => {
    const name = nameOfBinding(binding);
    return { kind: 'binding', name, state: names.has(name) ? 'present' : 'missing' };
  });
}

function nameOfBinding({ exchange, queue, routingKey }: BindingSpec): string {
  return `${exchange} --${routingKey}--> ${queue}`;
}

function partsOf({ claim, exchanges, queues }: Topology): Part[] {
  return [
    ...(claim ? [{ kind: 'exchange', spec: claim } as const] : []),
    ...exchanges.map((spec) => ({ kind: 'exchange', spec }) as const),
    ...queues.map((spec) => ({ kind: 'queue', spec }) as const),
  ];
}

function findingOf({ kind, spec }: Part, state: PartState, detail?: string): Finding {
  return { kind, name: spec.name, state, ...(detail !== undefined && { detail }) };
}

async function exists(connection: Connection, part: Part): Promise<boolean> {
  const refusal = await refusalOf(connection, part, true);
  if (refusal === undefined) return true;
  if (refusal.code === 'NOT_FOUND') return false;
  throw refusal;
}

/**
 * The same declaration of a thing that exists changes nothing, and fails where it is another thing: the protocol's
 * only comparison (a passive one looks at the name alone).
 */
async function differenceOf(connection: Connection, part: Part): Promise<string | undefined> {
  const refusal = await refusalOf(connection, part, false);
  if (refusal === undefined) return undefined;
  if (refusal.code === 'PRECONDITION_FAILED') return refusal.message;
  throw refusal;
}

async function refusalOf(connection: Connection, part: Part, passive: boolean): Promise<AMQPError | undefined> {
  try {
    await onChannel(connection, (channel) => declare(channel, part, passive));
    return undefined;
  } catch (error) {
    if (error instanceof AMQPError) return error;
    throw error;
  }
}

async function declare(channel: Channel, { kind, spec }: Part, passive: boolean): Promise<void> {
  const { name, arguments: args } = spec;
  const common = { passive, arguments: { ...args } };
  if (kind === 'exchange')
    await channel.exchangeDeclare({ ...common, durable: spec.durable, exchange: name, type: spec.type });
  else await channel.queueDeclare({ ...common, durable: true, queue: name });
}

async function onChannel<T>(connection: Connection, work: (channel: Channel) => Promise<T>): Promise<T> {
  const channel = await connection.acquire();
  try {
    return await work(channel);
  } finally {
    await channel.close();
  }
}
