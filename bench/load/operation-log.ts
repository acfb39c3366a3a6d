/** The outcomes of one operation's requests within a phase. */
import * as hdr from 'hdr-histogram-js';
import type { LoadError, OperationCounts, OperationName } from './messages.ts';

const LATENCY_US_MAX = 120_000_000;
const DISTINCT_ERRORS_MAX = 10;

export class OperationLog {
  readonly #name: OperationName;
  readonly #latencies = hdr.build({
    highestTrackableValue: LATENCY_US_MAX,
    numberOfSignificantValueDigits: 3,
    useWebAssembly: false,
  });
  readonly #errors = new Map<string, number>();
  #answered = 0;
  #refused = 0;

  constructor(name: OperationName) {
    this.#name = name;
  }

  answered(latencyUs: number): void {
    this.#answered++;
    this.#latencies.recordValue(Math.min(latencyUs, LATENCY_US_MAX));
  }

  refused(): void {
    this.#refused++;
  }

  failed(reason: string): void {
    const message = this.#errors.has(reason) || this.#errors.size < DISTINCT_ERRORS_MAX ? reason : 'other errors';
    this.#errors.set(message, (this.#errors.get(message) ?? 0) + 1);
  }

  counts(): OperationCounts {
    const errors: LoadError[] = [...this.#errors].map(([message, count]) => ({ message, count }));
    return {
      name: this.#name,
      answered: this.#answered,
      refused: this.#refused,
      errors,
      hdr: hdr.encodeIntoCompressedBase64(this.#latencies),
    };
  }
}
