/**
 * Owns the answers that are begun and have not left: a client that does not read keeps them in this process. They count
 * as in flight, their bytes are bounded, and a client that takes too little of them loses its connection.
 *
 * They belong to their connection and end with it: Node closes only the answer that a socket is busy with, and leaves
 * those of pipelined requests behind it as they are.
 */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock, Timer } from '../kernel/clock.ts';

export interface LeavingLimits {
  /** Without any progress in writing, a connection is closed after this time. */
  readonly stallMs: number;
  /** With some: an answer may take `stallMs` and the time of its bytes at this rate. */
  readonly bytesPerSecondMin: number;
  /** Of all answers of the worker. Beyond it no more are made. */
  readonly bytesMax: number;
  /** Requests of one connection that wait for their answers. Browsers have one, and pipelining clients a few. */
  readonly pipelinedMax: number;
}

const DEFAULT_LIMITS: LeavingLimits = {
  stallMs: 30_000,
  bytesPerSecondMin: 16 * 1024,
  bytesMax: 128 * 1024 * 1024,
  pipelinedMax: 16,
};

const SWEEP_INTERVAL_MS = 5_000;
/** A count is as good as new for so long: to make one, all open requests are looked at. */
const COUNT_MAX_AGE_MS = 50;

interface Connection {
  readonly socket: Socket;
  /** Begun and not closed, also those that are not made yet; in the order of their requests. */
  readonly open: Set<ServerResponse>;
  /** The answer that a sweep found leaving, and when (monotonic ms) it must have left. */
  leaving?: { readonly response: ServerResponse; readonly deadline: number };
  /** One request too many came: it is the last that is answered. */
  isEnding: boolean;
}

interface Count {
  readonly answers: number;
  readonly bytes: number;
}

export class LeavingAnswers {
  readonly #clock: Clock;
  readonly #limits: LeavingLimits;
  readonly #connections = new Set<Connection>();
  readonly #connectionOf = new WeakMap<Socket, Connection>();
  readonly #timer: Timer;
  #counted: Count = { answers: 0, bytes: 0 };
  #countedAtMs = -Infinity;

  constructor(clock: Clock, limits: Partial<LeavingLimits> = {}) {
    this.#clock = clock;
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#timer = clock.every(SWEEP_INTERVAL_MS, () => this.sweep(), { unref: true });
  }

  /**
   * Follows an answer that is just begun.
   * @returns 'too many': it is to be refused, and ends the connection. 'ended': one before it was; it needs no answer.
   */
  begin(response: ServerResponse): 'followed' | 'too many' | 'ended' {
    const { socket } = response.req;
    const connection = this.#connectionOf.get(socket) ?? this.#connect(socket);
    if (connection.isEnding) return 'ended';
    connection.isEnding = connection.open.size >= this.#limits.pipelinedMax;
    connection.open.add(response);
    response.once('close', () => connection.open.delete(response));
    return connection.isEnding ? 'too many' : 'followed';
  }

  /** Of requests that are not answered or whose answer has not left. */
  *open(): Iterable<ServerResponse> {
    for (const { open } of this.#connections) yield* open;
  }

  /** Answers that are made and have not left; up to 50 ms old. */
  get count(): number {
    return this.#recent().answers;
  }

  /** No more answers should be made: what waits to leave takes too much memory. */
  get full(): boolean {
    return this.#recent().bytes >= this.#limits.bytesMax;
  }

  /** Closes the connections of clients that take too little. */
  sweep(): void {
    const now = this.#clock.monotonicMs();
    for (const connection of this.#connections) {
      const [response] = connection.open; // the others wait for it
      if (response === undefined || !isLeaving(response)) continue;
      if (connection.leaving?.response !== response) {
        const { bytesPerSecondMin, stallMs } = this.#limits;
        const deadline = now + stallMs + (1_000 * response.writableLength) / bytesPerSecondMin;
        connection.leaving = { response, deadline };
        // Node looks for progress when this runs out, and sets its own time-out once the answer has left.
        connection.socket.setTimeout(stallMs);
      } else if (now >= connection.leaving.deadline) connection.socket.destroy();
    }
  }

  stop(): void {
    this.#timer.cancel();
  }

  #connect(socket: Socket): Connection {
    const connection: Connection = { socket, open: new Set(), isEnding: false };
    this.#connectionOf.set(socket, connection);
    this.#connections.add(connection);
    socket.once('close', () => this.#connections.delete(connection));
    return connection;
  }

  #recent(): Count {
    const now = this.#clock.monotonicMs();
    if (now - this.#countedAtMs < COUNT_MAX_AGE_MS) return this.#counted;
    let answers = 0;
    let bytes = 0;
    for (const { open } of this.#connections) {
      for (const response of open) {
        if (!isLeaving(response)) continue;
        answers += 1;
        bytes += response.writableLength;
      }
    }
    this.#countedAtMs = now;
    this.#counted = { answers, bytes };
    return this.#counted;
  }
}

const isLeaving = (response: ServerResponse): boolean => response.writableEnded && !response.writableFinished;
