/**
 * Probes while a node is cut off: products of many shards, at every node, repeatedly. It records the answers and
 * whether the node said that it was ready, and judges nothing.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { AFTER_ISOLATION_MS, ISOLATING_KINDS, PROBE_INTERVAL_MS, type Probe } from '../check/check-reach.ts';
import type { ChaosNode } from '../nodes/chaos-node.ts';
import type { Timeline } from '../timeline.ts';
import { PRODUCT_IDS } from './catalogue.ts';

const PRODUCTS_ASKED = 16;
/** An answer that comes later is none. */
const ANSWER_TIMEOUT_MS = 1_000;
const IDLE_POLL_MS = 50;

export class ReachProber {
  readonly probes: Probe[] = [];
  readonly #nodes: readonly ChaosNode[];
  readonly #token: string;
  readonly #timeline: Timeline;
  #isStopped = false;

  constructor(nodes: readonly ChaosNode[], token: string, timeline: Timeline) {
    this.#nodes = nodes;
    this.#token = token;
    this.#timeline = timeline;
  }

  /** Until {@link stop}. */
  async run(): Promise<void> {
    let isolatedAtMs = -Infinity;
    while (!this.#isStopped) {
      const nowMs = this.#timeline.nowMs();
      if (this.#timeline.current.some(({ kind }) => ISOLATING_KINDS.has(kind))) isolatedAtMs = nowMs;
      if (nowMs - isolatedAtMs > AFTER_ISOLATION_MS) {
        await sleep(IDLE_POLL_MS);
        continue;
      }
      const round = sleep(PROBE_INTERVAL_MS);
      await Promise.all(this.#nodes.map((node) => this.#probeAll(node)));
      await round;
    }
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #probeAll(node: ChaosNode): Promise<void> {
    const isNodeReady = await node.isReady();
    await Promise.all(
      PRODUCT_IDS.slice(0, PRODUCTS_ASKED).map(async (product) => {
        const sentAtMs = this.#timeline.nowMs();
        const isServed = await this.#isServed(node, product);
        const endedAtMs = this.#timeline.nowMs();
        this.probes.push({ sentAtMs, endedAtMs, node: node.name, product, isServed, isNodeReady });
      }),
    );
  }

  async #isServed(node: ChaosNode, product: string): Promise<boolean> {
    try {
      const answer = await fetch(`http://127.0.0.1:${node.place.port}/api/v1/stock/${product}`, {
        headers: { authorization: `Bearer ${this.#token}` },
        signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
      });
      await answer.arrayBuffer();
      return answer.status === 200;
    } catch {
      return false;
    }
  }
}
