/**
 * The steps that undo everything when the bench ends, however it ends. They run once, the last added first; a failed
 * one does not stop the others.
 */

export type CleanupStep = () => void | Promise<void>;

/** Thrown to a caller that would begin something new while everything is being undone. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

export class Cleanup {
  readonly #steps: CleanupStep[] = [];
  readonly #problems: unknown[] = [];
  #running: Promise<void> | undefined;

  /** Call it before the work that the step undoes. @throws Interrupted once the clean-up runs */
  add(step: CleanupStep): void {
    if (this.#running !== undefined) throw new Interrupted('bench is being stopped');
    this.#steps.push(step);
  }

  /** Undoes everything; calls after the first wait for the same. Never rejects. */
  async run(): Promise<void> {
    await (this.#running ??= this.#undo());
  }

  get hasBegun(): boolean {
    return this.#running !== undefined;
  }

  /** Failures of the steps. */
  get problems(): readonly unknown[] {
    return this.#problems;
  }

  async #undo(): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step();
      } catch (error) {
        this.#problems.push(error);
      }
    }
  }
}
