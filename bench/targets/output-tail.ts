/** Keeps the last lines of a service's output, for the case that it fails. */

const LINES_MAX = 30;
const LINE_LENGTH_MAX = 2000;

export class OutputTail {
  readonly #lines: string[] = [];
  #unfinished = '';

  append(chunk: string): void {
    const pieces = (this.#unfinished + chunk).split('\n');
    this.#unfinished = (pieces.pop() ?? '').slice(0, LINE_LENGTH_MAX);
    this.#lines.push(...pieces.filter((line) => line.trim() !== '').map((line) => line.slice(0, LINE_LENGTH_MAX)));
    this.#lines.splice(0, this.#lines.length - LINES_MAX);
  }

  toString(): string {
    const lines = this.#unfinished === '' ? this.#lines : [...this.#lines, this.#unfinished];
    return lines.length === 0 ? '(it wrote nothing)' : lines.join('\n');
  }
}
