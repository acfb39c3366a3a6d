/** Summarises a node's log: how often each warning and error came, and its last lines. */
import { OutputTail } from '../../bench/targets/output-tail.ts';

const COUNTED_LEVELS: ReadonlySet<unknown> = new Set(['warn', 'error', 'fatal']);
const MESSAGES_MAX = 200;
const MESSAGE_LENGTH_MAX = 160;

export class LogTally {
  readonly #counts = new Map<string, number>();
  readonly #tail = new OutputTail();
  #unfinished = '';

  append(chunk: string): void {
    this.#tail.append(chunk);
    const lines = (this.#unfinished + chunk).split('\n');
    this.#unfinished = lines.pop() ?? '';
    for (const line of lines) this.#count(line);
  }

  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  get lastOutput(): string {
    return this.#tail.toString();
  }

  #count(line: string): void {
    const message = messageIn(line);
    if (message === undefined) return;
    const key = this.#counts.has(message) || this.#counts.size < MESSAGES_MAX ? message : 'others';
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }
}

/** Of a JSON line its message, where it is a warning at least; of other lines their beginning. */
function messageIn(line: string): string | undefined {
  if (line.trim() === '') return undefined;
  try {
    const { level, msg, err } = JSON.parse(line) as { level?: string; msg?: string; err?: { message?: string } };
    if (!COUNTED_LEVELS.has(level)) return undefined;
    return [msg, err?.message]
      .filter((part) => part !== undefined)
      .join(': ')
      .slice(0, MESSAGE_LENGTH_MAX);
  } catch {
    return undefined;
  }
}
