/**
 * Supervises the workers of a node: forks one for each slot, replaces one that died, and gives up with the reason when
 * they die faster than the restart window allows. Owns no order and no shard.
 *
 *   worker:  starting --serving--> waiting for the others --open--> ready --drain--> drained --exit--> gone
 *            any --died--> starting, after a pause (unless the node is stopping)
 */
import cluster, { type Worker } from 'node:cluster';
import { EventEmitter } from 'node:events';
import type { Logger } from 'pino';
import { addRestart, type RestartWindow } from './restart-window.ts';
import type { FromWorker, ToWorker, WorkerSettings } from './worker-protocol.ts';

/**
 * MiB of V8's young generation, per half. What an order allocates lives for some ten milliseconds; with Node's 16 MiB
 * much of it is copied to the old generation first (measured: collection took 17 % of a worker's time).
 */
const SEMI_SPACE_MIB = 64;
const RESTART_LIMIT = { restartsMax: 10, windowMs: 60_000 };
const RESTART_PAUSE_MS = 100;

type Phase = 'starting' | 'serving' | 'ready' | 'drained' | 'gone';

interface Slot {
  readonly slot: number;
  worker: Worker;
  phase: Phase;
  restarts: number;
}

export interface WorkerStatus {
  readonly slot: number;
  readonly pid: number | undefined;
  readonly phase: Phase;
  readonly restarts: number;
}

interface Events {
  /** All workers take requests; `port` is where. */
  ready: [port: number];
  /** The node can't go on; the message is for a person. */
  failed: [message: string];
  demoStocked: [];
}

export class WorkerSupervisor extends EventEmitter<Events> {
  readonly #log: Logger;
  readonly #settingsOf: (slot: number) => WorkerSettings;
  readonly #slots: Slot[] = [];
  #window: RestartWindow = [];
  #opened = false;
  #ready = false;
  #stopping = false;

  constructor(log: Logger, workers: number, settingsOf: (slot: number) => WorkerSettings) {
    super();
    this.#log = log;
    this.#settingsOf = settingsOf;
    cluster.setupPrimary({ execArgv: [...process.execArgv, `--max-semi-space-size=${SEMI_SPACE_MIB}`] });
    for (let slot = 0; slot < workers; slot++)
      this.#slots.push({ slot, worker: this.#fork(slot), phase: 'starting', restarts: 0 });
  }

  get workers(): readonly WorkerStatus[] {
    return this.#slots.map(({ slot, worker, phase, restarts }) => ({ slot, pid: worker.process.pid, phase, restarts }));
  }

  get allReady(): boolean {
    return !this.#stopping && this.#slots.every(({ phase }) => phase === 'ready');
  }

  tell(slot: number, message: ToWorker): void {
    const worker = this.#slots[slot]?.worker;
    if (worker?.isConnected()) worker.send(message);
  }

  /** Drains all, then ends all; kills what has not ended by then. Resolves when none is left. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopping = true;
    const deadline = performance.now() + timeoutMs;
    // Workers finish what is under way while all of them still answer each other.
    this.#tellAll({ kind: 'drain', timeoutMs: timeoutMs * 0.8 });
    await this.#until(() => this.#slots.every(({ phase }) => phase === 'drained' || phase === 'gone'), deadline);
    this.#tellAll({ kind: 'exit', timeoutMs: Math.max(1_000, deadline - performance.now()) });
    await this.#until(() => this.#slots.every(({ phase }) => phase === 'gone'), deadline + 1_000);
    for (const { worker, phase, slot } of this.#slots) {
      if (phase === 'gone') continue;
      this.#log.warn({ slot, pid: worker.process.pid }, 'a worker did not end in time and is killed');
      worker.process.kill('SIGKILL');
    }
  }

  #tellAll(message: ToWorker): void {
    for (const { slot, phase } of this.#slots) if (phase !== 'gone') this.tell(slot, message);
  }

  async #until(condition: () => boolean, deadline: number): Promise<void> {
    while (!condition() && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  #fork(slot: number): Worker {
    const worker = cluster.fork();
    worker.on('message', (message: FromWorker) => this.#heard(slot, worker, message));
    worker.on('exit', (code, signal) => this.#died(slot, worker, code, signal));
    return worker;
  }

  #heard(slot: number, worker: Worker, message: FromWorker): void {
    const entry = this.#slots[slot];
    if (entry?.worker !== worker) return;
    switch (message.kind) {
      case 'hello':
        this.tell(slot, { kind: 'start', settings: this.#settingsOf(slot) });
        return;
      case 'serving':
        entry.phase = 'serving';
        if (this.#opened) this.tell(slot, { kind: 'open' });
        else if (this.#slots.every(({ phase }) => phase === 'serving')) this.#openAll();
        return;
      case 'ready':
        entry.phase = 'ready';
        if (!this.#ready && this.allReady) {
          this.#ready = true;
          this.emit('ready', message.port);
        }
        return;
      case 'demo_stocked':
        this.emit('demoStocked');
        return;
      case 'drained':
        entry.phase = 'drained';
        return;
      case 'fatal':
        this.emit('failed', message.message);
        return;
    }
  }

  /** No request is taken before every shard of the node is served. */
  #openAll(): void {
    this.#opened = true;
    this.#tellAll({ kind: 'open' });
  }

  #died(slot: number, worker: Worker, code: number | null, signal: string | null): void {
    const entry = this.#slots[slot];
    if (entry?.worker !== worker) return;
    entry.phase = 'gone';
    if (this.#stopping) return;
    const { window, exceeded } = addRestart(this.#window, performance.now(), RESTART_LIMIT);
    this.#window = window;
    const reason = signal ?? `exit code ${code}`;
    if (exceeded) {
      this.emit(
        'failed',
        `Workers died ${window.length} times within a minute, the last one by ${reason}; see the log above.`,
      );
      return;
    }
    this.#log.error({ slot, reason, restarts: entry.restarts + 1 }, 'a worker died and is replaced');
    setTimeout(() => {
      if (this.#stopping) return;
      entry.restarts++;
      entry.phase = 'starting';
      entry.worker = this.#fork(slot);
    }, RESTART_PAUSE_MS);
  }
}
