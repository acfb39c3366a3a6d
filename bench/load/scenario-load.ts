/**
 * The load of a scenario: phases without a gap between them, each an open loop (arrivals are due at times of their own,
 * and latencies count from then, whatever kept them from being sent) or a closed one (each answered request is followed
 * by the next). A request belongs to the phase in which it was due.
 */
import { ArrivalSchedule } from './arrivals.ts';
import { HttpConnection, type ExchangeOutcome } from './http-connection.ts';
import type { JobPhase, LoadJob, LoadSecond, OperationName, PhaseCounts } from './messages.ts';
import { OperationLog } from './operation-log.ts';
import { type Operation, Operations } from './operations.ts';

const TICK_MS = 1;
/** More than a service can have under way without overload. */
const CONNECTIONS_MAX = 10_000;
/** An arrival without a free connection within this time is dropped: the schedule was not kept. */
const DROP_AFTER_MS = 1_000;
/** Beyond the longest wait that a request asks for. */
const ANSWER_TIMEOUT_MS = 45_000;
const SECOND_MS = 1_000;
/** A closed loop must not become a storm while nothing is served. */
const AFTER_ERROR_MS = 100;

export interface LoadListener {
  phase(index: number): void;
  second(second: LoadSecond): void;
}

interface Exchange {
  readonly operation: Operation;
  readonly dueAtMs: number;
  readonly phase: PhaseLog;
}

/** What happened to the requests that were due within one phase. */
class PhaseLog {
  readonly operations = new Map<OperationName, OperationLog>();
  readonly #cpu = process.cpuUsage();
  readonly #beganAtMs = performance.now();
  dropped = 0;
  orders = 0;
  answers = 0;
  #seconds = 0;
  #cpuSeconds = 0;

  of(name: OperationName): OperationLog {
    let log = this.operations.get(name);
    if (!log) this.operations.set(name, (log = new OperationLog(name)));
    return log;
  }

  end(): void {
    const { user, system } = process.cpuUsage(this.#cpu);
    this.#cpuSeconds = (user + system) / 1e6;
    this.#seconds = (performance.now() - this.#beganAtMs) / 1_000;
  }

  counts(): PhaseCounts {
    const { dropped, orders } = this;
    const operations = [...this.operations.values()].map((log) => log.counts());
    return { seconds: this.#seconds, dropped, orders, operations, loadCpuSeconds: this.#cpuSeconds };
  }
}

/** What was answered within the second that is under way. */
class SecondLog {
  answered = 0;
  refused = 0;
  errors = 0;
  readonly latenciesUs: number[] = [];
}

export class ScenarioLoad {
  readonly #job: LoadJob;
  readonly #listener: LoadListener;
  readonly #operations: Operations;
  readonly #connections: HttpConnection[] = [];
  readonly #free: HttpConnection[] = [];
  /** Due, and without a connection. */
  readonly #waiting: Exchange[] = [];
  #second = new SecondLog();
  #phase = new PhaseLog();
  #inFlight = 0;
  /** The next step of a closed loop on a connection that has its answer. */
  #onFree: () => void = () => undefined;

  constructor(job: LoadJob, listener: LoadListener) {
    this.#job = job;
    this.#listener = listener;
    this.#operations = new Operations(job);
  }

  /** Runs all phases, and until the last request is answered. */
  async run(): Promise<readonly PhaseCounts[]> {
    const beganAtMs = performance.now();
    const seconds = setInterval(() => this.#endSecond(performance.now() - beganAtMs), SECOND_MS);
    const logs: PhaseLog[] = [];
    for (const [index, phase] of this.#job.phases.entries()) {
      logs.push((this.#phase = new PhaseLog()));
      this.#listener.phase(index);
      if (phase.arrivals.kind === 'open') await this.#runOpen(phase, new ArrivalSchedule(phase.arrivals));
      else await this.#runClosed(phase, phase.arrivals.inFlight);
      this.#phase.end();
    }
    this.#listener.phase(this.#job.phases.length);
    const patienceEndsMs = performance.now() + ANSWER_TIMEOUT_MS;
    while (this.#inFlight > 0 && performance.now() < patienceEndsMs) await pause(10);
    clearInterval(seconds);
    this.#endSecond(performance.now() - beganAtMs);
    for (const connection of this.#connections) connection.close(new Error(`no answer within ${ANSWER_TIMEOUT_MS} ms`));
    return logs.map((log) => log.counts());
  }

  async #runOpen({ length }: JobPhase, schedule: ArrivalSchedule): Promise<void> {
    const beganAtMs = performance.now();
    const isOver = this.#end(length, beganAtMs);
    const lastMs = 'seconds' in length ? length.seconds * 1_000 : Infinity;
    for (let isLast = false; !isLast;) {
      isLast = isOver(); // arrivals that were due before the end are sent even if this runs late
      const sinceMs = Math.min(performance.now() - beganAtMs, lastMs);
      for (let due = schedule.takeBefore(sinceMs); due !== undefined; due = schedule.takeBefore(sinceMs)) {
        this.#arrive({ operation: this.#operations.next(), dueAtMs: beganAtMs + due, phase: this.#phase });
      }
      this.#dropLate();
      if (!isLast) await pause(TICK_MS);
    }
  }

  async #runClosed({ length }: JobPhase, inFlight: number): Promise<void> {
    const isOver = this.#end(length, performance.now());
    const next = (): void => {
      if (!isOver() && this.#inFlight < inFlight)
        this.#arrive({ operation: this.#operations.next(), dueAtMs: performance.now(), phase: this.#phase });
    };
    this.#onFree = next;
    for (let each = this.#inFlight; each < inFlight; each++) next();
    while (!isOver()) await pause(TICK_MS * 10);
    this.#onFree = () => undefined;
  }

  #end(length: JobPhase['length'], beganAtMs: number): () => boolean {
    if ('seconds' in length) return () => performance.now() - beganAtMs >= length.seconds * 1_000;
    const phase = this.#phase;
    return 'orders' in length ? () => phase.orders >= length.orders : () => phase.answers >= length.answers;
  }

  #arrive(exchange: Exchange): void {
    const connection = this.#free.pop() ?? this.#newConnection();
    if (connection) this.#send(connection, exchange);
    else this.#waiting.push(exchange);
  }

  #newConnection(): HttpConnection | undefined {
    if (this.#connections.length >= CONNECTIONS_MAX) return undefined;
    const connection = new HttpConnection(this.#job.port);
    this.#connections.push(connection);
    return connection;
  }

  #send(connection: HttpConnection, exchange: Exchange): void {
    this.#inFlight++;
    connection.exchange(exchange.operation.request, (outcome) => {
      this.#receive(exchange, outcome);
      if (outcome instanceof Error) setTimeout(() => this.#release(connection), AFTER_ERROR_MS);
      else this.#release(connection);
    });
  }

  #receive({ operation, dueAtMs, phase }: Exchange, outcome: ExchangeOutcome): void {
    this.#inFlight--;
    const log = phase.of(operation.name);
    const isRefusal = !(outcome instanceof Error) && outcome.status === 503;
    const wrong = outcome instanceof Error ? `no answer: ${outcome.message}` : operation.whyWrong(outcome);
    if (isRefusal) {
      log.refused();
      this.#second.refused++;
    } else if (wrong !== undefined) {
      log.failed(wrong);
      this.#second.errors++;
    } else {
      const latencyUs = Math.round((performance.now() - dueAtMs) * 1_000);
      log.answered(latencyUs);
      this.#second.answered++;
      this.#second.latenciesUs.push(latencyUs);
      phase.answers++;
      if (operation.isOrder) phase.orders++;
    }
  }

  #release(connection: HttpConnection): void {
    const waiting = this.#waiting.shift();
    if (waiting) return this.#send(connection, waiting);
    this.#free.push(connection);
    this.#onFree();
  }

  #dropLate(): void {
    const latestMs = performance.now() - DROP_AFTER_MS;
    while (this.#waiting.length > 0 && this.#waiting[0]!.dueAtMs < latestMs) this.#waiting.shift()!.phase.dropped++;
  }

  #endSecond(sinceMs: number): void {
    const { answered, refused, errors, latenciesUs } = this.#second;
    this.#second = new SecondLog();
    const at = sinceMs / 1_000;
    this.#listener.second({ at, answered, refused, errors, latenciesUs: Uint32Array.from(latenciesUs) });
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
