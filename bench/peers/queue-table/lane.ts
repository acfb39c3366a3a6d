/**
 * A loop that works through a queue and sleeps once it is empty, until a producer wakes it. It begins awake, for the
 * jobs of an earlier process.
 */
export class Lane {
  readonly #work: () => Promise<'drained' | 'more'>;
  #isWoken = true;
  #wakeUp: (() => void) | undefined;

  constructor(work: () => Promise<'drained' | 'more'>) {
    this.#work = work;
  }

  /** Call it after the commit that put a job in. */
  wake(): void {
    this.#isWoken = true;
    this.#wakeUp?.();
  }

  /** Rejects with the work's error: it is then unknown whether its commit came through, and a restart finds out. */
  async run(): Promise<never> {
    for (;;) {
      if (!this.#isWoken) await new Promise<void>((resolve) => (this.#wakeUp = resolve));
      this.#isWoken = false;
      if ((await this.#work()) === 'more') this.#isWoken = true;
    }
  }
}
