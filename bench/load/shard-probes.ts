/**
 * Probes from outside: they write to an entity of each shard again and again, to show how long the shard is unserved. A
 * probe's answer is awaited before the next one of its shard goes out.
 */
import { shardOf } from '../../runtime/sharding/shard-of.ts';
import { routingKeyOf } from '../../kernel/entity-id.ts';
import { stockEntity } from '../../actors/stock/stock.ts';
import { HttpConnection } from './http-connection.ts';
import { requestText } from './request-text.ts';
import type { ProbeLog } from './shard-gaps.ts';

export interface ProbeSettings {
  readonly port: number;
  readonly adminToken: string;
  /** Of the node. */
  readonly shards: number;
  /** From one write to a shard to its next, if the first is answered by then. */
  readonly everyMs: number;
}

interface Probe {
  readonly product: string;
  readonly connection: HttpConnection;
  readonly answeredAtMs: number[];
  isWaiting: boolean;
}

export class ShardProbes {
  readonly #settings: ProbeSettings;
  readonly #probes: readonly Probe[];
  readonly #failures = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #writes = 0;

  constructor(settings: ProbeSettings) {
    this.#settings = settings;
    this.#probes = productsOfShards(settings.shards).map((product) => ({
      product,
      connection: new HttpConnection(settings.port),
      answeredAtMs: [],
      isWaiting: false,
    }));
  }

  start(): void {
    this.#timer = setInterval(() => {
      for (const probe of this.#probes) if (!probe.isWaiting) this.#write(probe);
    }, this.#settings.everyMs);
  }

  /** What was seen, in the milliseconds of `performance.now()`. */
  stop(): ProbeLog {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const { connection } of this.#probes) connection.close(new Error('the probes are over'));
    return { answeredAtMs: this.#probes.map(({ answeredAtMs }) => answeredAtMs), failures: this.#failures };
  }

  #write(probe: Probe): void {
    probe.isWaiting = true;
    const { port, adminToken } = this.#settings;
    // Another number each time: a write that changes nothing would not reach the journal.
    const body = JSON.stringify({ onHand: ++this.#writes });
    const request = requestText(port, 'PUT', `/api/v1/stock/${probe.product}`, adminToken, { body });
    probe.connection.exchange(request, (outcome) => {
      probe.isWaiting = false;
      if (!(outcome instanceof Error) && outcome.status === 200) probe.answeredAtMs.push(performance.now());
      else if (this.#timer !== undefined) this.#fail(outcome instanceof Error ? outcome.message : `${outcome.status}`);
    });
  }

  #fail(message: string): void {
    this.#failures.set(message, (this.#failures.get(message) ?? 0) + 1);
  }
}

/** A product in each shard, by the number of the shard. */
function productsOfShards(shards: number): string[] {
  const products = new Map<number, string>();
  for (let number = 0; products.size < shards; number++) {
    const product = `probe-${number}`;
    const shard = shardOf(routingKeyOf(stockEntity(product)), shards);
    if (!products.has(shard)) products.set(shard, product);
  }
  return Array.from({ length: shards }, (_, shard) => products.get(shard)!);
}
