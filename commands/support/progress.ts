/**
 * Shows the progress of long work on stderr, so that a report on stdout stays clean: on a terminal one line that is
 * redrawn, elsewhere a line every few seconds. Work goes through stages one after another.
 */
import type { Clock } from '../../kernel/clock.ts';
import { count, duration } from './text.ts';

const REDRAW_INTERVAL_MS = 100;
const LINE_INTERVAL_MS = 5_000;
const BAR_CELLS = 24;
/** The rate is taken over this much time, so that a stall shows. */
const RATE_WINDOW_MS = 5_000;

/** What a progress line is written to: a part of `process.stderr`. */
export interface ProgressOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface StageState {
  readonly label: string;
  readonly unit: string;
  readonly done: number;
  readonly total: number;
  /** Per second. */
  readonly rate: number;
  /** Counts by outcome and the like. */
  readonly note: string;
}

export class Progress {
  readonly #output: ProgressOutput;
  readonly #clock: Clock;
  #stage: { label: string; unit: string; total: number; startedAt: number } | undefined;
  #done = 0;
  #note: () => string = () => '';
  #samples: { at: number; done: number }[] = [];
  #drawnAt = -Infinity;
  #timer: NodeJS.Timeout | undefined;

  constructor(output: ProgressOutput, clock: Clock) {
    this.#output = output;
    this.#clock = clock;
  }

  /** Begins a stage and ends the one before. `note` is asked whenever the line is drawn. */
  begin(label: string, unit: string, total: number, note: () => string = () => ''): void {
    this.end();
    const now = this.#clock.monotonicMs();
    this.#stage = { label, unit, total, startedAt: now };
    this.#done = 0;
    this.#note = note;
    this.#samples = [{ at: now, done: 0 }];
    this.#drawnAt = this.#output.isTTY ? -Infinity : now;
    this.#timer = setInterval(() => this.#draw(), this.#output.isTTY ? REDRAW_INTERVAL_MS : LINE_INTERVAL_MS);
    this.#timer.unref();
  }

  /** How much of the stage is done now. Cheap: it draws by the clock, not by the call. */
  update(done: number): void {
    this.#done = done;
    if (this.#output.isTTY && this.#clock.monotonicMs() - this.#drawnAt >= REDRAW_INTERVAL_MS) this.#draw();
  }

  /** Ends the stage with its last line. */
  end(): void {
    if (!this.#stage) return;
    this.#draw();
    if (this.#output.isTTY) this.#output.write('\n');
    clearInterval(this.#timer);
    this.#stage = undefined;
  }

  /** A line of text between the lines of progress. */
  say(text: string): void {
    this.#output.write(`${this.#output.isTTY && this.#stage ? '\r\x1b[K' : ''}${text}\n`);
  }

  #draw(): void {
    const stage = this.#stage;
    if (!stage) return;
    const now = this.#clock.monotonicMs();
    this.#drawnAt = now;
    this.#samples.push({ at: now, done: this.#done });
    while (this.#samples.length > 2 && now - this.#samples[0]!.at > RATE_WINDOW_MS) this.#samples.shift();
    const oldest = this.#samples[0]!;
    const elapsedMs = now - oldest.at;
    const rate = elapsedMs > 0 ? ((this.#done - oldest.done) * 1000) / elapsedMs : 0;
    const line = progressLine({ ...stage, done: this.#done, rate, note: this.#note() });
    if (!this.#output.isTTY) this.#output.write(`${line}\n`);
    else this.#output.write(`\r\x1b[K${line.slice(0, (this.#output.columns ?? 120) - 1)}`);
  }
}

/** `sending [#####-----] 4,321/12,494 orders 812/s, 0:10 left, 12 retried` */
export function progressLine({ label, unit, done, total, rate, note }: StageState): string {
  const share = total > 0 ? Math.min(done / total, 1) : 1;
  const cells = Math.floor(share * BAR_CELLS);
  const bar = `[${'#'.repeat(cells)}${'-'.repeat(BAR_CELLS - cells)}]`;
  const parts = [`${label} ${bar} ${count(done)}/${count(total)} ${unit}, ${count(rate)}/s`];
  if (done < total) parts.push(rate > 0 ? `${duration(((total - done) * 1000) / rate)} left` : 'time left unknown');
  if (note !== '') parts.push(note);
  return parts.join(', ');
}
