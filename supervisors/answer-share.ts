/**
 * Do users' requests succeed? The share of answers over the last seconds that failed by the service's own fault.
 * Refusals by a limit don't count: a node that refuses the excess does its best.
 */

/** Counted since the start. */
export interface AnswerCounts {
  readonly answered: number;
  /** Of them: unavailable, outcome unknown, or an unexpected error. */
  readonly failed: number;
}

/** Looks, a second apart. */
const LOOKS = 10;
/** Fewer are chance. */
const FAILED_MIN = 20;
const SHARE_DEGRADED = 0.1;
/**
 * Most requests fail: other nodes can't do worse. Below this share a balancer would take away requests that still
 * succeed.
 */
const SHARE_DOWN = 0.75;

export class AnswerShare {
  readonly #counts: () => AnswerCounts;
  readonly #looks: AnswerCounts[] = [];

  constructor(counts: () => AnswerCounts) {
    this.#counts = counts;
  }

  /** Once a second. */
  look(): void {
    const { answered, failed } = this.#counts();
    this.#looks.push({ answered, failed });
    if (this.#looks.length > LOOKS) this.#looks.shift();
  }

  get status(): 'up' | 'degraded' | 'down' {
    const { answered, failed } = this.#recent();
    if (failed < FAILED_MIN) return 'up';
    const share = failed / answered;
    return share >= SHARE_DOWN ? 'down' : share >= SHARE_DEGRADED ? 'degraded' : 'up';
  }

  get detail(): string {
    const { answered, failed } = this.#recent();
    return `${failed} of the last ${answered} requests failed`;
  }

  #recent(): AnswerCounts {
    const before = this.#looks[0] ?? { answered: 0, failed: 0 };
    const now = this.#counts();
    return { answered: now.answered - before.answered, failed: now.failed - before.failed };
  }
}
