/**
 * Repeats a request until it is done, or tries it once only, and counts each answer by what it says was applied. An
 * answer outside the contract is a violation.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { History, Outcome, Tally } from './history.ts';
import { outcomeOf, type Reply } from './http-client.ts';
import type { OrderAnswer } from './order-answer.ts';

const RETRY_PAUSE_MS_MIN = 100;
const RETRY_PAUSE_MS_MAX = 2_000;
const ANSWER_CHARS_MAX = 300;
/** Answers that a healthy contract knows for each thing that is asked. */
const EXPECTED_STATUSES = {
  place: [201, 429, 503, 504],
  read: [200, 429, 503, 504],
  cancel: [200, 202, 429, 503, 504],
  stock: [200, 201, 429, 503, 504],
  'place by message': [200],
  'cancel by message': [200],
} as const;
export type Asked = keyof typeof EXPECTED_STATUSES;

/** One try, at another node than the one to avoid where there is a choice. @returns which node it was. */
export type Try = (
  avoided: number | undefined,
) => Promise<{ readonly reply: Reply; readonly node: number | undefined }>;

/** A request, and the receiver of its answers. */
export interface Wish {
  readonly asked: Asked;
  readonly subject: string;
  readonly tally: Tally;
  readonly retries: boolean;
  readonly givingUp: AbortSignal;
  readonly onDone: (answer: OrderAnswer) => void;
  readonly onFailed?: (answer: string) => void;
}

export class Attempts {
  readonly #history: History;

  constructor(history: History) {
    this.#history = history;
  }

  /** @returns true when it was done */
  async insist(wish: Wish, tried: Try): Promise<boolean> {
    const { retries, givingUp, onDone } = wish;
    let avoided: number | undefined;
    for (let pauseMs = RETRY_PAUSE_MS_MIN; ; pauseMs = Math.min(pauseMs * 2, RETRY_PAUSE_MS_MAX)) {
      const { reply, node } = await tried(avoided);
      const outcome = this.#note(wish, reply);
      if (outcome === 'ok' && reply.kind === 'answer') onDone(reply.body as OrderAnswer);
      if (outcome === 'ok' || !retries || givingUp.aborted) return outcome === 'ok';
      avoided = node;
      await sleep(pauseMs, undefined, { signal: givingUp }).catch(() => undefined);
      if (givingUp.aborted) return false;
    }
  }

  #note({ asked, subject, tally, onFailed }: Wish, reply: Reply): Outcome {
    const outcome = outcomeOf(reply);
    tally[outcome] += 1;
    this.#history.count(asked, reply.kind === 'answer' ? String(reply.status) : reply.kind, outcome);
    if (outcome === 'failed') onFailed?.(textOf(reply));
    if (reply.kind === 'answer' && !(EXPECTED_STATUSES[asked] as readonly number[]).includes(reply.status)) {
      const rule = `unexpected_answer_to_${asked.replaceAll(' ', '_')}`;
      const expected = EXPECTED_STATUSES[asked].join(', ');
      this.#history.violations.push({ rule, subject, expected, found: textOf(reply) });
    }
    return outcome;
  }
}

function textOf(reply: Reply): string {
  if (reply.kind !== 'answer') return reply.kind;
  return `${reply.status} ${JSON.stringify(reply.body)}`.slice(0, ANSWER_CHARS_MAX);
}
