/**
 * Owns a loop that works through a queue and sleeps once it is empty, until somebody who put something in wakes it. It
 * begins awake, for what an earlier process left.
 */
export class Lane {
  readonly #work: () => Promise<'drained' | 'more'>;
  #isWoken = true;
  #wakeUp: (() => void) | undefined;

  constructor(work: () => Promise<'drained' | 'more'>) {
    this.#work = work;
  }

  /** To call after the commit that put something in. */
  wake(): void {
    this.#isWoken = true;
    this.#wakeUp?.();
  }

  /** Rejects with what the work fails with: whether its commit came through is unknown then, and a restart finds out. */
  async run(): Promise<never> {
    for (;;) {
      if (!this.#isWoken) await new Promise<void>((resolve) => (this.#wakeUp = resolve));
      this.#isWoken = false;
      if ((await this.#work()) === 'more') this.#isWoken = true;
    }
  }
}
