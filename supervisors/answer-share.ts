/**
 * Do users' requests succeed? The share of answers over the last seconds that said "not now" for reasons of the
 * service's own. What a limit refuses is not among them: a node that refuses what is too much does its best.
 */

/** Counted since the start. */
export interface AnswerCounts {
  readonly answered: number;
  /** Of them: unavailable, outcome unknown, or an unexpected error. */
  readonly failed: number;
}

/** Looks, a second apart. */
const LOOKS = 10;
/** Fewer are chance, or one caller's bad luck. */
const FAILED_MIN = 20;
const SHARE_DEGRADED = 0.1;
/** Most of what comes fails: other nodes can't do worse, and below it a balancer would take away what still succeeds. */
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
