/** Shows the bench's progress: on a terminal one line that changes, elsewhere a line for each step. */

const CLEAR_LINE = '\r\u001b[K';

export class Progress {
  readonly #stream: NodeJS.WriteStream;
  #step = '';

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  begin(step: string): void {
    this.#step = step;
    if (this.#stream.isTTY) this.#stream.write(`${CLEAR_LINE}${step}`);
    else this.#stream.write(`${step}\n`);
  }

  update(detail: string): void {
    if (this.#stream.isTTY) this.#stream.write(`${CLEAR_LINE}${this.#step}  ${detail}`);
  }

  end(): void {
    if (this.#stream.isTTY) this.#stream.write(CLEAR_LINE);
  }
}
