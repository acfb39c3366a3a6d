/** Shows a run's progress: on a terminal one line that is redrawn, elsewhere a line at intervals. */

const CLEAR_LINE = '\r\u001b[K';
const REDRAW_MS = 250;
const LINE_MS = 5_000;

export class ProgressLine {
  readonly #stream: NodeJS.WriteStream;
  #timer: NodeJS.Timeout | undefined;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  /** Shows what `text` answers until the next step. */
  begin(text: () => string): void {
    this.end();
    const draw = (): void =>
      void this.#stream.write(this.#stream.isTTY ? CLEAR_LINE + this.#fitted(text()) : `${text()}\n`);
    draw();
    this.#timer = setInterval(draw, this.#stream.isTTY ? REDRAW_MS : LINE_MS);
    this.#timer.unref();
  }

  end(): void {
    if (this.#timer !== undefined && this.#stream.isTTY) this.#stream.write(CLEAR_LINE);
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #fitted(text: string): string {
    return text.slice(0, (this.#stream.columns ?? 120) - 1);
  }
}
