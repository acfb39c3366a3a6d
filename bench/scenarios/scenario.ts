/**
 * The form of a scenario: a declaration, one file each in this folder, found by its name. It holds all that differs
 * between scenarios; no other file knows one.
 */
import type { Arrivals, Mix, OrderForm } from '../load/messages.ts';

export interface Scenario {
  /** One sentence: what it shows. */
  readonly about: string;
  readonly form: OrderForm;
  /** Weights of operations; left out: every order is placed, and awaited until it is confirmed and captured. */
  readonly mix?: Mix;
  /** One after the other, without a gap. */
  readonly phases: readonly Phase[];
  /** 1 unless said. Sides take turns, so that a slow machine affects all. */
  readonly rounds?: number;
  readonly peers?: readonly PeerName[];
  /** Set: Holdfast publishes its events to the broker of AMQP_URL; the kind of queue that takes them all. */
  readonly relay?: EventTaker;
  /** Holds already open on the products when measuring begins. */
  readonly openHolds?: number;
  /** Disturbances of Holdfast while it is under load. */
  readonly disturbances?: readonly Disturbance[];
  /** Holdfast has so many shards; each is written to from outside, besides the load. */
  readonly probes?: { readonly shards: number; readonly everyMs: number };
  /** True: no answer may be refused, so that one means that the run has no figure. */
  readonly refusesNone?: boolean;
}

/** One durable queue, as an integrator would have it; or none, so that the broker drops them. */
export type EventTaker = 'quorum queue' | 'stream' | 'no queue';

export type PeerName = 'plain-sql' | 'queue-table' | 'dbos' | 'without-relay';

export interface Phase {
  readonly name: string;
  readonly length: { readonly seconds: number } | { readonly orders: number };
  readonly arrivals: Arrivals;
  /** Warm-up is shown, and counts for nothing. */
  readonly measured: boolean;
}

export interface Disturbance {
  /** Since the round's load began. */
  readonly atSeconds: number;
  readonly what: 'kill-worker' | 'kill-node';
}
