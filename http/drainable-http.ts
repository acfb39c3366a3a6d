/**
 * The HTTP server of a worker, and how it ends without losing a request. Closing an idle keep-alive connection would
 * meet a request that is on its way; so a draining server takes no new connections, answers what comes on the old ones
 * and says with each answer that the connection ends. Only what stays silent for the grace is closed.
 */
import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Clock } from '../kernel/clock.ts';
import { createHttpServer } from './http-server.ts';
import type { LeavingAnswers } from './leaving-answers.ts';
import { Listeners } from './listeners.ts';

const SOCKETS_MAX = 20_000;
const POLL_MS = 10;
/** What keeps one connection from being accepted keeps many. */
const COMPLAINT_INTERVAL_MS = 1_000;

export class DrainableHttp {
  readonly server: Server;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #leaving: LeavingAnswers;
  #listeners: Listeners | undefined;
  #draining = false;
  #complainedAtMs = -Infinity;

  constructor(
    handler: (req: IncomingMessage, res: ServerResponse) => void,
    leaving: LeavingAnswers,
    clock: Clock,
    log: Logger,
  ) {
    this.#leaving = leaving;
    this.#clock = clock;
    this.#log = log;
    this.server = createHttpServer((req, res) => {
      if (this.#draining) res.shouldKeepAlive = false;
      handler(req, res);
    }, leaving);
  }

  /** Takes requests from now on. @param fds see Listeners. @throws the system's error when it can't. */
  async listen(fds: readonly number[]): Promise<void> {
    const listening = once(this.server, 'listening');
    this.#listeners = new Listeners(this.server, fds, SOCKETS_MAX);
    await listening;
    this.server.on('error', (error) => this.#complain(error));
  }

  /**
   * Resolves when no request is under way and no connection is left, or at `deadline`; connections that are silent
   * until `graceEnd` are closed then. Both in monotonic ms.
   */
  async drain(inFlight: () => number, graceEnd: number, deadline: number): Promise<void> {
    this.#draining = true;
    // Also those that came before: answered late, their connections would be idle just when idle ones are closed.
    for (const res of this.#leaving.open()) if (!res.headersSent) res.shouldKeepAlive = false;
    this.#listeners?.close();
    while (this.#clock.monotonicMs() < deadline) {
      const late = this.#clock.monotonicMs() >= graceEnd;
      if (late) this.server.closeIdleConnections();
      if (inFlight() === 0 && (late || (this.#listeners?.connections ?? 0) === 0)) return;
      await this.#clock.sleep(POLL_MS);
      // A worker that was busy has requests before it that it has not read: their connections are not idle.
      await this.#clock.nextTurn();
    }
  }

  /** A connection that could not be accepted costs its client; those that are there are served on. */
  #complain(err: Error): void {
    const now = this.#clock.monotonicMs();
    if (now - this.#complainedAtMs < COMPLAINT_INTERVAL_MS) return;
    this.#complainedAtMs = now;
    this.#log.error({ err }, 'a connection could not be accepted');
  }
}
