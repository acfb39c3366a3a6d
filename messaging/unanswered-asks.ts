/** The asks that were sent to one peer and not answered yet. Each is answered once: by the peer, by the clock, or by its end. */
import { failed, type Ask, type ShardAnswer } from '../runtime/ask.ts';
import type { ShardReply } from '../runtime/entity/entity-host.ts';

/** Asks to one peer that may be unanswered; the steps of orders under way are let through. */
export const WINDOW_MAX = 20_000;

interface Waiting {
  readonly ask: Ask;
  readonly reply: ShardReply;
  /** Monotonic ms. */
  readonly deadline: number;
}

export class UnansweredAsks {
  readonly #waiting = new Map<number, Waiting>();
  #answered = 0;

  get size(): number {
    return this.#waiting.size;
  }

  /** @param id new: names the ask among those to this peer. @param nowMs monotonic. */
  add(id: number, ask: Ask, reply: ShardReply, nowMs: number): void {
    this.#waiting.set(id, { ask, reply, deadline: nowMs + ask.timeoutMs });
  }

  /** How many answers have come from the peer itself. */
  get answered(): number {
    return this.#answered;
  }

  /** The peer's answer. One that comes twice, or after the ask's time, is nobody's. */
  answer(id: number, answer: ShardAnswer): void {
    this.#answered++;
    this.fail(id, answer);
  }

  /** Not the peer's own answer. */
  fail(id: number, answer: ShardAnswer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    waiting?.reply(answer);
  }

  /** Answers those whose time is over. @param nowMs monotonic. */
  expire(nowMs: number, peer: string): void {
    for (const [id, { ask, reply, deadline }] of this.#waiting) {
      if (deadline > nowMs) continue;
      this.#waiting.delete(id);
      reply(failed(ask.command ? 'outcome_unknown' : 'unavailable', `${peer} did not answer in time`));
    }
  }

  /** Answers all: nothing more will come from the peer. */
  end(answerTo: (ask: Ask) => ShardAnswer): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { ask, reply } of waiting) reply(answerTo(ask));
  }
}
