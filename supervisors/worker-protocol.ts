/**
 * The messages between the primary and its workers, over the channel of node:cluster. Control only: the channel carries
 * a few thousand messages a second, so no order data goes this way.
 *
 *   (worker: hello) -> primary: start -> (worker: joined) -> begin -> (worker: serving) -> open -> (worker: ready)
 *   ... (worker: report, now and then) ... retire -> drain -> (worker: drained) -> exit
 */
import type { Config } from '../config/config.ts';
import type { WorkerReport } from './worker-report.ts';

export interface WorkerSettings {
  /** The worker's place in its node, 0..workers-1. */
  readonly slot: number;
  /** New at every start of a worker. */
  readonly workerId: string;
  readonly nodeId: string;
  readonly config: Config;
  readonly databaseUrl: string;
  readonly runtimeDir: string;
  readonly idempotencyNamespace: string;
  readonly deploymentId: string;
  /** The secret for verifying tokens, where none was configured. */
  readonly devSecret?: string;
  readonly version: string;
}

export type ToWorker =
  | { readonly kind: 'start'; readonly settings: WorkerSettings }
  /** All workers of the node are members: claim shards. */
  | { readonly kind: 'begin' }
  /** All workers serve their shards: take requests from outside. */
  | { readonly kind: 'open' }
  /** Send the first commands of the kinds of actors, see runtime/first-command.ts. */
  | { readonly kind: 'apply_first' }
  /** Answer "not ready", and take requests that still come. */
  | { readonly kind: 'retire' }
  /** Take no more requests, finish the work under way, hand the shards over. */
  | { readonly kind: 'drain'; readonly timeoutMs: number }
  /** Flush and leave. */
  | { readonly kind: 'exit'; readonly timeoutMs: number };

export type FromWorker =
  /** It listens to the primary from now on; earlier messages were lost. */
  | { readonly kind: 'hello' }
  | { readonly kind: 'joined' }
  | { readonly kind: 'serving' }
  /** It takes requests, on this port. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'first_applied' }
  /** Proof of life. */
  | { readonly kind: 'report'; readonly report: WorkerReport }
  | { readonly kind: 'drained' }
  /** Restarting would not help: the message is for a person. */
  | { readonly kind: 'fatal'; readonly message: string };
