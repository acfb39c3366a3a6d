/** Chooses the node that a client asks: one that is not full of requests, and another than the one that just failed. */
import type { Random } from '../random.ts';

/** A node that stands still must not hold all clients. */
const IN_FLIGHT_MAX = 150;

export class NodeChooser {
  readonly #ports: readonly number[];
  readonly #inFlight: number[];
  readonly #random: Random;

  constructor(ports: readonly number[], random: Random) {
    this.#ports = ports;
    this.#inFlight = ports.map(() => 0);
    this.#random = random;
  }

  get hasRoom(): boolean {
    return this.#inFlight.some((count) => count < IN_FLIGHT_MAX);
  }

  /** Sends one request to a node by `send`, counted. */
  async with<T>(avoided: number | undefined, send: (port: number) => Promise<T>): Promise<{ reply: T; node: number }> {
    const node = this.#choose(avoided);
    this.#inFlight[node]! += 1;
    try {
      return { reply: await send(this.#ports[node]!), node };
    } finally {
      this.#inFlight[node]! -= 1;
    }
  }

  #choose(avoided: number | undefined): number {
    const all = this.#ports.map((_, index) => index);
    const others = all.filter((index) => index !== avoided);
    const open = others.filter((index) => this.#inFlight[index]! < IN_FLIGHT_MAX);
    return this.#random.pick(open.length > 0 ? open : others.length > 0 ? others : all);
  }
}
