/** Owns the list of what the edge needs from its surroundings. It is given all of it; it looks nothing up by itself. */
import type { Logger } from 'pino';
import type { Actors } from '../runtime/ask.ts';
import type { SettingValues } from '../config/setting.ts';
import { JSON_BYTES_MAX } from '../kernel/bounded-json.ts';
import type { Clock } from '../kernel/clock.ts';
import type { EntityHistories } from '../persistence/ports.ts';
import type { ViewReads } from '../persistence/view-definition.ts';
import type { AuthSettings } from './authenticator.ts';
import type { LeavingAnswers } from './leaving-answers.ts';
import type { RateLimiter } from './rate-limiter.ts';
import type { UnfinishedBodyLimits } from './unfinished-bodies.ts';

export interface HealthCheck {
  readonly status: 'up' | 'degraded' | 'down';
  readonly latencyMs?: number;
  /** ISO 8601: since when it has this status. */
  readonly since?: string;
  readonly detail?: string;
}

export interface HealthReport {
  readonly healthy: boolean;
  /** By the name of the dependency. */
  readonly checks: Readonly<Record<string, HealthCheck>>;
}

export interface EdgeLimits {
  /**
   * Requests handled at a time; one more is refused before its body is read. Health is answered all the same. A
   * request that waits for its body or for the keys that verify its token does not count.
   */
  readonly inFlightMax: number;
  /** Of one request. */
  readonly bodyBytesMax: number;
  /** Of all bodies that are being received at a time. */
  readonly bufferedBytesMax: number;
  /** Bodies that did not come with their headers, see unfinished-bodies.ts. */
  readonly unfinishedBodies: UnfinishedBodyLimits;
}

export interface EdgeTimeouts {
  /** How long a command may take to be durable. */
  readonly commandMs: number;
  readonly readMs: number;
  /** How long a cancellation may compensate before the answer is 202. */
  readonly cancelSettleMs: number;
}

/** The kind of entity that remembers claimed ids, see claim-id.ts. */
export interface ClaimKeeper {
  /** The entity with this UUID. */
  readonly entityOf: (id: string) => string;
  /** Makes it remember, and changes nothing else. */
  readonly command: { readonly type: string };
  /** Also the id of the command that makes such an entity, so that the two exclude each other. Never changes. */
  readonly commandId: string;
}

export interface EdgeDeps {
  readonly actors: Actors;
  readonly views: ViewReads;
  readonly histories: EntityHistories;
  readonly claims: ClaimKeeper;
  readonly clock: Clock;
  readonly log: Logger;
  /** Answers of the server that this edge serves. */
  readonly leaving: LeavingAnswers;
  readonly auth: AuthSettings;
  /** A UUID that the first start stored: the source of the ids made from idempotency keys. Never changes. */
  readonly idempotencyNamespace: string;
  /** Number of shards. Never changes. */
  readonly shards: number;
  /** Undefined: no limit. */
  readonly rateLimiter: RateLimiter | undefined;
  /** Of the operations: the edge reads none of them. */
  readonly settings: SettingValues;
  readonly health: {
    /** Fit to take work? A rejection counts as no. */
    ready(): Promise<HealthReport>;
    /** Is this process itself sound? Never asks the database. */
    live(): HealthReport;
  };
  /** Left out members have the defaults below. */
  readonly limits?: Partial<EdgeLimits>;
  readonly timeouts?: Partial<EdgeTimeouts>;
  /** The program's version, for the OpenAPI document. */
  readonly version: string;
}

export const DEFAULT_LIMITS: EdgeLimits = {
  // About half a second's work: more would only wait, in memory.
  inFlightMax: 500,
  bodyBytesMax: JSON_BYTES_MAX,
  bufferedBytesMax: 64 * 1024 * 1024,
  // An import that sends many large bodies at once stays below it. A body at the limit needs 35 kB/s.
  unfinishedBodies: { perCallerMax: 100, totalMax: 2_000, deadlineMs: 30_000 },
};

export const DEFAULT_TIMEOUTS: EdgeTimeouts = { commandMs: 10_000, readMs: 5_000, cancelSettleMs: 2_000 };
