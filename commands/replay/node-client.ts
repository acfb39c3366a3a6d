/**
 * Speaks HTTP with the node: repeats a request until it has a final answer. After a refusal that applied nothing (429,
 * 503) it repeats when the node says; after an unknown outcome (a broken connection, a 5xx) it repeats under the same
 * key, so it has one effect. When no request has succeeded for a while, all give up: the node is gone.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request, type Dispatcher } from 'undici';
import type { Clock } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';
import { CommandError } from '../support/command-line.ts';

const CONNECT_TIMEOUT_MS = 5_000;
/** `Prefer: wait` may take 30 s. */
const ANSWER_TIMEOUT_MS = 45_000;
const BACKOFF_MS_FIRST = 50;
const BACKOFF_MS_MAX = 5_000;
/** Even if the node asks for a longer wait. */
const RETRY_AFTER_MS_MAX = 30_000;
const HTTP_UNAUTHENTICATED = 401;
const HTTP_FORBIDDEN = 403;
const HTTP_TOO_MANY = 429;
const HTTP_UNAVAILABLE = 503;
const HTTP_SERVER_ERROR = 500;

export interface NodeRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  readonly body?: unknown;
  readonly idempotencyKey?: string;
  /** `If-Match` or `If-None-Match`. */
  readonly precondition?: Readonly<Record<string, string>>;
  /** Seconds of `Prefer: wait`. */
  readonly waitSeconds?: number;
}

/** An answer below 500 that is neither 429 nor a wrong token: final. */
export interface NodeAnswer {
  readonly status: number;
  readonly replayed: boolean;
  /** The path of the new resource, or empty. */
  readonly location: string | undefined;
  readonly etag: string | undefined;
  /** JSON text. */
  readonly body: string;
}

export interface NodeClientOptions {
  readonly baseUrl: string;
  readonly token: string;
  readonly connections: number;
  /** Gives up when no request has succeeded for this long. */
  readonly patienceMs: number;
  readonly clock: Clock;
}

export class NodeClient {
  /** Requests that had to be sent again. */
  retries = 0;
  readonly #options: NodeClientOptions;
  readonly #agent: Agent;
  #lastSuccessAt: number;
  #lastFailure = 'no answer';
  #stopped: Error | undefined;

  constructor(options: NodeClientOptions) {
    this.#options = options;
    this.#lastSuccessAt = options.clock.monotonicMs();
    this.#agent = new Agent({
      connections: options.connections,
      pipelining: 1,
      headersTimeout: ANSWER_TIMEOUT_MS,
      bodyTimeout: ANSWER_TIMEOUT_MS,
      connect: { timeout: CONNECT_TIMEOUT_MS },
    });
  }

  /** The sender ends: requests under way are answered with `reason`. */
  stop(reason: Error): void {
    this.#stopped ??= reason;
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  /** @throws CommandError when the node is gone or doesn't know the token; what `stop` was given. */
  async send(message: NodeRequest): Promise<NodeAnswer> {
    for (let attempt = 0; ; attempt++) {
      if (this.#stopped) throw this.#stopped;
      const outcome = await this.#attempt(message, attempt);
      if (outcome.kind === 'answer') return outcome.answer;
      this.#lastFailure = outcome.reason;
      const silentMs = this.#options.clock.monotonicMs() - this.#lastSuccessAt;
      if (silentMs > this.#options.patienceMs) this.#giveUp(silentMs);
      this.retries++;
      // No pause is longer than the patience, so that a caller learns in time that the node is gone.
      await sleep(Math.min(outcome.pauseMs, Math.max(this.#options.patienceMs - silentMs, BACKOFF_MS_FIRST)));
    }
  }

  async #attempt(
    message: NodeRequest,
    attempt: number,
  ): Promise<{ kind: 'answer'; answer: NodeAnswer } | { kind: 'again'; reason: string; pauseMs: number }> {
    // Jitter, so that those who failed together don't come back together.
    const backoffMs =
      Math.min(BACKOFF_MS_MAX, BACKOFF_MS_FIRST * 2 ** Math.min(attempt, 10)) * (0.5 + Math.random() / 2);
    let response: Dispatcher.ResponseData;
    let body: string;
    try {
      response = await this.#dispatch(message);
      body = await response.body.text();
    } catch (error) {
      return { kind: 'again', reason: reasonOf(error), pauseMs: backoffMs };
    }
    const { statusCode: status, headers } = response;
    if (status === HTTP_TOO_MANY || status === HTTP_UNAVAILABLE) {
      const pauseMs = retryAfterMs(headers['retry-after']) ?? backoffMs;
      return { kind: 'again', reason: `the node answers ${status} ${codeIn(body)}`, pauseMs };
    }
    if (status >= HTTP_SERVER_ERROR)
      return { kind: 'again', reason: `the node answers ${status} ${codeIn(body)}`, pauseMs: backoffMs };
    if (status === HTTP_UNAUTHENTICATED || status === HTTP_FORBIDDEN) {
      throw new CommandError(
        `The node does not take our token (${status} ${codeIn(body)}). Run with the node's own JWT_SECRET, JWT_ISSUER, JWT_AUDIENCE and DATA_DIR, or give a token with --token-file.`,
      );
    }
    this.#lastSuccessAt = this.#options.clock.monotonicMs();
    const replayed = headers['idempotent-replayed'] === 'true';
    const location = typeof headers['location'] === 'string' ? headers['location'] : undefined;
    const etag = typeof headers['etag'] === 'string' ? headers['etag'] : undefined;
    return { kind: 'answer', answer: { status, replayed, location, etag, body } };
  }

  #dispatch({
    method,
    path,
    body,
    idempotencyKey,
    precondition,
    waitSeconds,
  }: NodeRequest): Promise<Dispatcher.ResponseData> {
    return request(`${this.#options.baseUrl}${path}`, {
      dispatcher: this.#agent,
      method,
      headers: {
        authorization: `Bearer ${this.#options.token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...precondition,
        ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
        ...(waitSeconds !== undefined && { prefer: `wait=${waitSeconds}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  }

  #giveUp(silentMs: number): never {
    const error = new CommandError(
      `Nothing got through for ${Math.round(silentMs / 1000)} s (last: ${this.#lastFailure}). ` +
        'Is the node still running? Start it and run the same again: what was placed is recognised, nothing is placed twice.',
    );
    this.stop(error);
    throw error;
  }
}

/** Seconds, or a date (RFC 9110 section 10.2.3). */
function retryAfterMs(header: string | string[] | undefined): number | undefined {
  if (typeof header !== 'string') return undefined;
  const ms = /^\d{1,9}$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), RETRY_AFTER_MS_MAX);
}

/** The stable code of a problem document. */
function codeIn(body: string): string {
  return problemIn(body).code;
}

export function problemIn(body: string): { code: string; detail: string } {
  try {
    const problem: unknown = JSON.parse(body);
    if (typeof problem !== 'object' || problem === null) return { code: '', detail: '' };
    const { code, detail } = problem as { code?: unknown; detail?: unknown };
    return { code: typeof code === 'string' ? code : '', detail: typeof detail === 'string' ? detail : '' };
  } catch {
    return { code: '', detail: '' };
  }
}

/** undici's own messages say less than its codes. */
function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return messageOf(error) || (code ?? 'the connection failed');
}
