/**
 * Owns the line that a request leaves in the log, and the count of those that leave none: method, route, status, time,
 * who, and its id. The route is the pattern, never the address: that may hold names and numbers of people.
 */
import type { Logger } from 'pino';
import type { Clock } from '../kernel/clock.ts';
import type { PublicContext } from './edge-context.ts';
import type { OperationDefinition } from './operation-definition.ts';

/** Lines a second and worker; failures of ours come on top. More would cost more than the requests they tell of. */
const LINES_PER_SECOND_MAX = 100;
const WINDOW_MS = 1_000;
/** As web servers write it: the client left before its answer. */
const CLIENT_GONE = 499;

/** Made once: a line each would hurt just then. */
const AT_DOOR = { status: 503, reason: 'too many requests are being handled' } as const;

type LoggedContext = Pick<PublicContext, 'method' | 'status' | 'respond'> & {
  readonly state: { readonly requestId: string; readonly principal?: { readonly sub: string } };
  /** The router's: the name of the route that it has found. */
  readonly _matchedRouteName?: string;
};

export class AccessLog {
  readonly #log: Logger;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  /** By the name of its route. */
  readonly #operations: ReadonlyMap<string, OperationDefinition>;
  #windowFromMs = -Infinity;
  #lines = 0;
  /** Requests without a line since the last one that has one. */
  #dropped = 0;

  constructor(log: Logger, clock: Pick<Clock, 'monotonicMs'>, operations: readonly OperationDefinition[]) {
    this.#log = log;
    this.#clock = clock;
    this.#operations = new Map(operations.map((operation) => [operation.id, operation]));
  }

  /** To be given to `write` at the end of a request that begins now. */
  get nowMs(): number {
    return this.#clock.monotonicMs();
  }

  write(ctx: LoggedContext, startedMs: number): void {
    const nowMs = this.#clock.monotonicMs();
    const name = ctx._matchedRouteName;
    const operation = name === undefined ? undefined : this.#operations.get(name);
    const isQuiet = operation?.isPolled === true;
    if (!isQuiet && !this.#hasRoom(nowMs, ctx.status >= 500)) return;
    const fields = {
      method: ctx.method,
      route: operation === undefined ? 'none' : operation.path,
      status: ctx.respond === false ? CLIENT_GONE : ctx.status,
      ms: Math.round(nowMs - startedMs),
      sub: ctx.state.principal?.sub,
      requestId: ctx.state.requestId,
    };
    if (isQuiet) this.#log.debug(fields, 'request');
    else if (this.#dropped === 0) this.#log.info(fields, 'request');
    else this.#log.info({ ...fields, dropped: this.#dropped }, 'request');
    if (!isQuiet) this.#dropped = 0;
  }

  /** A request was answered before anything of the edge was spent on it. The logger makes one line and counts of them. */
  refusedAtDoor(): void {
    this.#log.warn(AT_DOOR, 'a request was refused before it was read');
  }

  #hasRoom(nowMs: number, failed: boolean): boolean {
    if (nowMs - this.#windowFromMs >= WINDOW_MS) {
      this.#windowFromMs = nowMs;
      this.#lines = 0;
    }
    if (failed || this.#lines++ < LINES_PER_SECOND_MAX) return true;
    this.#dropped++;
    return false;
  }
}
