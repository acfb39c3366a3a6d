/**
 * Owns the closed loop: so many orders in flight, each answered one at once followed by the next. Latencies of a
 * closed loop say how long an order took at this load, not what a shopper would see who comes at a time of their own.
 */
import { HttpConnection, type ExchangeOutcome } from './http-connection.ts';
import { LatencyLog } from './latency-log.ts';
import type { LoadJob, LoadResult, LoadWindow } from './messages.ts';
import { OrderRequests } from './order-requests.ts';
import { whyNotSettled } from './settled-answer.ts';

/** A service that fails this often has no figure; going on would only hammer it. */
const ERRORS_MAX = 100;
const DISTINCT_ERRORS_MAX = 10;
/** Beyond the longest wait that a request asks for. */
const ANSWER_TIMEOUT_MS = 45_000;
const WATCH_INTERVAL_MS = 1000;

export interface ClosedLoopListener {
  windowOpened(): void;
  windowClosed(): void;
  progress(orders: number, errors: number): void;
}

interface Slot {
  readonly connection: HttpConnection;
  /** Undefined while no exchange is under way. */
  sentAtMs: number | undefined;
}

export class ClosedLoop {
  readonly #job: LoadJob;
  readonly #listener: ClosedLoopListener;
  readonly #requests: OrderRequests;
  readonly #latencies = new LatencyLog();
  readonly #errors = new Map<string, number>();
  #slots: readonly Slot[] = [];
  #orders = 0;
  #failures = 0;
  #sent = 0;
  #inFlight = 0;
  #isSending = true;
  #isWindowOpen = false;
  #onDrained: () => void = () => undefined;

  constructor(job: LoadJob, listener: ClosedLoopListener) {
    this.#job = job;
    this.#listener = listener;
    this.#requests = new OrderRequests(job);
  }

  /** Runs the job to its end and until the last order in flight was answered. */
  async run(): Promise<LoadResult> {
    this.#slots = await this.#openConnections();
    const drained = new Promise<void>((resolve) => (this.#onDrained = resolve));
    const watch = setInterval(() => this.#watch(), WATCH_INTERVAL_MS);
    const { end } = this.#job;
    if (end.kind === 'after-orders') this.#isWindowOpen = true;
    const startedAtMs = performance.now();
    const cpuAtStart = process.cpuUsage();
    for (const slot of this.#slots) this.#sendNext(slot);
    const window =
      end.kind === 'after-time'
        ? await this.#measure(end.warmUpMs, end.measureMs, drained)
        : await drained.then(() => this.#closeWindow(startedAtMs, cpuAtStart));
    this.#isSending = false;
    await drained;
    clearInterval(watch);
    for (const { connection } of this.#slots) connection.close(new Error('the job is done'));
    const errors = [...this.#errors].map(([message, count]) => ({ message, count }));
    return { orders: this.#orders, window, errors };
  }

  async #openConnections(): Promise<Slot[]> {
    const slots: Slot[] = [];
    for (let index = 0; index < this.#job.concurrency; index++) {
      const connection = new HttpConnection(this.#job.port);
      await connection.open();
      slots.push({ connection, sentAtMs: undefined });
    }
    return slots;
  }

  async #measure(warmUpMs: number, measureMs: number, drained: Promise<void>): Promise<LoadWindow> {
    await elapsedOr(drained, warmUpMs);
    const openedAtMs = performance.now();
    const cpuAtOpening = process.cpuUsage();
    this.#isWindowOpen = true;
    this.#listener.windowOpened();
    await elapsedOr(drained, measureMs);
    const window = this.#closeWindow(openedAtMs, cpuAtOpening);
    this.#listener.windowClosed();
    return window;
  }

  #closeWindow(openedAtMs: number, cpuAtOpening: NodeJS.CpuUsage): LoadWindow {
    this.#isWindowOpen = false;
    const cpu = process.cpuUsage(cpuAtOpening);
    return {
      orders: this.#latencies.length,
      seconds: (performance.now() - openedAtMs) / 1000,
      latenciesUs: this.#latencies.toArray(),
      loadCpuSeconds: (cpu.user + cpu.system) / 1e6,
    };
  }

  #sendNext(slot: Slot): void {
    const { end } = this.#job;
    if (!this.#isSending || (end.kind === 'after-orders' && this.#sent >= end.orders)) {
      if (this.#inFlight === 0) this.#onDrained();
      return;
    }
    this.#sent++;
    this.#inFlight++;
    slot.sentAtMs = performance.now();
    slot.connection.exchange(this.#requests.next(), (outcome) => this.#receive(slot, outcome));
  }

  #receive(slot: Slot, outcome: ExchangeOutcome): void {
    const problem = outcome instanceof Error ? `no answer: ${outcome.message}` : whyNotSettled(outcome);
    if (problem !== undefined) this.#countError(problem);
    else {
      this.#orders++;
      if (this.#isWindowOpen) this.#latencies.add(performance.now() - slot.sentAtMs!);
    }
    slot.sentAtMs = undefined;
    this.#inFlight--;
    this.#sendNext(slot);
  }

  #countError(problem: string): void {
    const message = this.#errors.has(problem) || this.#errors.size < DISTINCT_ERRORS_MAX ? problem : 'other errors';
    this.#errors.set(message, (this.#errors.get(message) ?? 0) + 1);
    this.#failures++;
    if (this.#failures >= ERRORS_MAX) this.#isSending = false;
  }

  #watch(): void {
    this.#listener.progress(this.#orders, this.#failures);
    const oldest = performance.now() - ANSWER_TIMEOUT_MS;
    for (const { connection, sentAtMs } of this.#slots) {
      if (sentAtMs !== undefined && sentAtMs < oldest) {
        connection.close(new Error(`nothing within ${ANSWER_TIMEOUT_MS / 1000} s`));
      }
    }
  }
}

/** Waits for `ms`, or less where `drained` comes first. */
async function elapsedOr(drained: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([new Promise((resolve) => (timer = setTimeout(resolve, ms))), drained]);
  clearTimeout(timer);
}
