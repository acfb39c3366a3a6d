/**
 * Supervises the workers of a node: forks one for each slot, replaces one that died or is silent, and gives up with the
 * reason when they die faster than the restart window allows. Owns no order and no shard.
 *
 *   worker:  starting --joined--> joined --begin--> serving --open--> ready --drain--> drained --exit--> gone
 *            any --died, or no report--> gone --after a pause--> starting (unless the node is stopping)
 */
import cluster, { type Worker } from 'node:cluster';
import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { Logger } from 'pino';
import { backoffMs } from '../kernel/backoff.ts';
import type { Clock, Timer } from '../kernel/clock.ts';
import type { ListeningSocket } from './listening-socket.ts';
import { takesRequests } from './node-readiness.ts';
import { addRestart, type RestartWindow } from './restart-window.ts';
import type { FromWorker, ToWorker, WorkerSettings } from './worker-protocol.ts';
import type { WorkerReport } from './worker-report.ts';

/**
 * MiB of V8's young generation, per half. What an order allocates lives for some ten milliseconds; with Node's 16 MiB
 * much of it is copied to the old generation first (measured: collection took 17 % of a worker's time).
 */
const SEMI_SPACE_MIB = 64;
const RESTART_LIMIT = { restartsMax: 10, windowMs: 60_000 };
const RESTART_PAUSE_MAX_MS = 3_000;
/** A worker without a report for so long is stuck: its event loop is blocked, or it is stopped. */
const SILENCE_MAX_MS = 10_000;
/** A worker that has committed none of its waiting rows for so long is stuck too, if its database is up. */
const STALL_MAX_MS = 30_000;
const WATCH_INTERVAL_MS = 500;
/** A watch that runs so late was itself suspended, so it judges no worker's silence. */
const WATCH_LATE_MS = 2_000;
const WORKER_ID_BYTES = 6;

type Phase = 'starting' | 'joined' | 'serving' | 'ready' | 'drained' | 'gone';

interface Slot {
  readonly slot: number;
  workerId: string;
  worker: Worker;
  phase: Phase;
  restarts: number;
  /** A person asked for it: no failure. */
  leaving: boolean;
  lastFailure: { readonly at: string; readonly reason: string } | undefined;
  heardMs: number;
  report: WorkerReport | undefined;
}

export interface WorkerStatus {
  readonly workerId: string;
  readonly slot: number;
  readonly pid: number | undefined;
  readonly phase: Phase;
  readonly restarts: number;
  readonly lastFailure: { readonly at: string; readonly reason: string } | undefined;
  readonly report: WorkerReport | undefined;
}

export type RestartAnswer = 'restarting' | 'unknown' | 'busy';

interface Events {
  /** All workers take requests. */
  ready: [];
  /** The node can't go on; the message is for a person. */
  failed: [message: string];
  /** The process is dead, however it died. */
  gone: [workerId: string];
  /** The first commands of the kinds of actors are answered. */
  firstApplied: [];
}

export interface WorkerSupervisorOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly workers: number;
  readonly socket: ListeningSocket;
  readonly settingsOf: (slot: number, workerId: string) => WorkerSettings;
}

export class WorkerSupervisor extends EventEmitter<Events> {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #settingsOf: (slot: number, workerId: string) => WorkerSettings;
  readonly #socket: ListeningSocket;
  readonly #slots: Slot[] = [];
  readonly #watch: Timer;
  #watchedMs: number;
  #window: RestartWindow = [];
  #begun = false;
  #opened = false;
  #ready = false;
  #retiring = false;
  #stopping = false;

  constructor({ clock, log, workers, socket, settingsOf }: WorkerSupervisorOptions) {
    super();
    this.#clock = clock;
    this.#watchedMs = clock.monotonicMs();
    this.#log = log;
    this.#socket = socket;
    this.#settingsOf = settingsOf;
    cluster.setupPrimary({
      execArgv: [...process.execArgv, `--max-semi-space-size=${SEMI_SPACE_MIB}`],
      stdio: socket.stdio,
    });
    for (let slot = 0; slot < workers; slot++) {
      this.#slots.push({
        slot,
        ...this.#fork(slot),
        restarts: 0,
        leaving: false,
        lastFailure: undefined,
      });
    }
    this.#watch = clock.every(WATCH_INTERVAL_MS, () => this.#watchAll(), { unref: true });
  }

  get workers(): readonly WorkerStatus[] {
    return this.#slots.map(({ workerId, slot, worker, phase, restarts, lastFailure, report }) => {
      return { workerId, slot, pid: worker.process.pid, phase, restarts, lastFailure, report };
    });
  }

  /** Requests may be sent here. */
  get takesRequests(): boolean {
    if (this.#stopping || this.#retiring || !this.#ready) return false;
    return takesRequests(
      this.#slots.map(({ phase, leaving, report }) => ({ isOpen: phase === 'ready', isLeaving: leaving, report })),
    );
  }

  /** Restarts within the window, and how many it allows. */
  get intensity(): { readonly restarts: number; readonly restartsMax: number; readonly windowSeconds: number } {
    const now = this.#clock.monotonicMs();
    const restarts = this.#window.filter((at) => now - at < RESTART_LIMIT.windowMs).length;
    return { restarts, restartsMax: RESTART_LIMIT.restartsMax, windowSeconds: RESTART_LIMIT.windowMs / 1_000 };
  }

  tell(slot: number, message: ToWorker): void {
    const worker = this.#slots[slot]?.worker;
    // A dying worker may not receive it; its exit tells the rest. Without the callback a failed send would end the
    // primary.
    if (worker?.isConnected()) worker.send(message, ignoreFailure);
  }

  /**
   * Lets one worker finish its work and give its shards away, and starts another in its place. One at a time: if all
   * gave their shards away, no worker could take them.
   * @param id a worker's id or its slot. @returns `busy`: it, or another one, is not ready; try again.
   */
  restart(id: string, timeoutMs: number): RestartAnswer {
    const entry = this.#slots.find(({ workerId, slot }) => workerId === id || String(slot) === id);
    if (!entry) return 'unknown';
    if (this.#stopping || this.#slots.some(({ phase, leaving }) => phase !== 'ready' || leaving)) return 'busy';
    entry.leaving = true;
    const { worker } = entry;
    this.#log.info({ slot: entry.slot, workerId: entry.workerId }, 'a worker is restarted, as wanted');
    this.tell(entry.slot, { kind: 'drain', timeoutMs });
    const timer = this.#clock.after(timeoutMs + 2_000, () => worker.process.kill('SIGKILL'));
    worker.once('exit', () => timer.cancel());
    return 'restarting';
  }

  /**
   * Answers "not ready" from now on, and takes requests that still come for `delayMs`: a balancer may need that long to
   * notice. Resolves then; at once where no request is taken yet.
   */
  async retire(delayMs: number): Promise<void> {
    this.#retiring = true;
    if (!this.#opened) return;
    this.#tellAll({ kind: 'retire' });
    await this.#clock.sleep(delayMs);
  }

  /** Drains all, then ends all; kills workers that have not begun, or not ended in time. Resolves when none is left. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopping = true;
    this.#socket.close();
    this.#watch.cancel();
    // They hold nothing yet, and hear nothing while they wait for what they need.
    for (const { worker, phase } of this.#slots) if (phase === 'starting') worker.process.kill('SIGKILL');
    const deadline = this.#clock.monotonicMs() + timeoutMs;
    // Workers finish what is under way while all of them still answer each other.
    this.#tellAll({ kind: 'drain', timeoutMs: timeoutMs * 0.8 });
    await this.#until(() => this.#slots.every(({ phase }) => phase === 'drained' || phase === 'gone'), deadline);
    this.#tellAll({ kind: 'exit', timeoutMs: Math.max(1_000, deadline - this.#clock.monotonicMs()) });
    await this.#until(() => this.#slots.every(({ phase }) => phase === 'gone'), deadline);
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
    while (!condition() && this.#clock.monotonicMs() < deadline) await this.#clock.sleep(10);
  }

  #fork(slot: number): Pick<Slot, 'worker' | 'workerId' | 'phase' | 'heardMs' | 'report'> {
    const worker = cluster.fork();
    worker.on('message', (message: FromWorker) => this.#heard(slot, worker, message));
    worker.on('exit', (code, signal) => this.#died(slot, worker, code, signal));
    const workerId = `w${slot}-${randomBytes(WORKER_ID_BYTES).toString('hex')}`;
    return { worker, workerId, phase: 'starting', heardMs: this.#clock.monotonicMs(), report: undefined };
  }

  #heard(slot: number, worker: Worker, message: FromWorker): void {
    const entry = this.#slots[slot];
    if (entry?.worker !== worker) return;
    entry.heardMs = this.#clock.monotonicMs();
    switch (message.kind) {
      case 'hello':
        this.tell(slot, { kind: 'start', settings: this.#settingsOf(slot, entry.workerId) });
        return;
      case 'joined':
        entry.phase = 'joined';
        if (this.#begun) this.tell(slot, { kind: 'begin' });
        else if (this.#slots.every(({ phase }) => phase === 'joined')) this.#beginAll();
        return;
      case 'serving':
        entry.phase = 'serving';
        if (this.#opened) this.tell(slot, { kind: 'open' });
        else if (this.#slots.every(({ phase }) => phase === 'serving')) this.#openAll();
        return;
      case 'ready':
        entry.phase = 'ready';
        if (!this.#ready && this.#slots.every(({ phase }) => phase === 'ready')) {
          this.#ready = true;
          this.emit('ready');
        }
        return;
      case 'first_applied':
        this.emit('firstApplied');
        return;
      case 'report':
        entry.report = message.report;
        return;
      case 'drained':
        entry.phase = 'drained';
        if (entry.leaving && !this.#stopping) this.tell(slot, { kind: 'exit', timeoutMs: 5_000 });
        return;
      case 'fatal':
        this.emit('failed', message.message);
        return;
    }
  }

  /**
   * No worker claims a shard before all have joined: otherwise the first claims every shard and then gives most away.
   */
  #beginAll(): void {
    this.#begun = true;
    this.#tellAll({ kind: 'begin' });
  }

  /** No request is taken before every shard of the node is served. */
  #openAll(): void {
    this.#opened = true;
    this.#tellAll({ kind: 'open' });
  }

  #watchAll(): void {
    const now = this.#clock.monotonicMs();
    const late = now - this.#watchedMs > WATCH_LATE_MS;
    this.#watchedMs = now;
    for (const entry of this.#slots) {
      if (late) entry.heardMs = now;
      if (entry.phase === 'gone') continue;
      const silentMs = now - entry.heardMs;
      const { report } = entry;
      const stalled = report?.checks['database']?.status === 'up' && report.journal.stalledMs > STALL_MAX_MS;
      if (silentMs <= SILENCE_MAX_MS && !stalled) continue;
      const reason = stalled ? 'commits nothing of what waits' : `says nothing for ${Math.round(silentMs / 1_000)} s`;
      this.#log.error({ slot: entry.slot, workerId: entry.workerId, reason }, 'a worker is stuck and is killed');
      entry.heardMs = now; // its death comes as an event
      entry.worker.process.kill('SIGKILL');
    }
  }

  #died(slot: number, worker: Worker, code: number | null, signal: string | null): void {
    const entry = this.#slots[slot];
    if (entry?.worker !== worker) return;
    entry.phase = 'gone';
    this.emit('gone', entry.workerId);
    if (this.#stopping) return;
    const wanted = entry.leaving && code === 0;
    const pauseMs = wanted ? 0 : this.#pauseAfter(entry, signal ?? `exit code ${code}`);
    if (pauseMs === undefined) return;
    this.#clock.after(pauseMs, () => {
      if (this.#stopping) return;
      Object.assign(entry, this.#fork(slot));
      entry.leaving = false;
      entry.restarts++;
    });
  }

  /** Records the failure. Undefined: there were too many, and the node gives up. */
  #pauseAfter(entry: Slot, reason: string): number | undefined {
    const { window, exceeded } = addRestart(this.#window, this.#clock.monotonicMs(), RESTART_LIMIT);
    this.#window = window;
    entry.lastFailure = { at: new Date(this.#clock.nowMs()).toISOString(), reason };
    const { slot, workerId, restarts } = entry;
    if (exceeded) {
      this.emit(
        'failed',
        `Workers died ${window.length} times within a minute, the last one by ${reason}; see the log above.`,
      );
      return undefined;
    }
    const pauseMs = Math.min(RESTART_PAUSE_MAX_MS, backoffMs(window.length - 1));
    this.#log.error({ slot, workerId, reason, restarts: restarts + 1, pauseMs }, 'a worker died and is replaced');
    return pauseMs;
  }
}

const ignoreFailure = (): void => undefined;
