/**
 * The form of a fault. Its target is chosen at the injection, from what is there at that moment, by the numbers that
 * the plan drew.
 */
import type { EventConsumer } from '../broker/event-consumer.ts';
import type { OwnBroker } from '../broker/own-broker.ts';
import type { OwnDatabase } from '../database/own-database.ts';
import type { ChaosNode } from '../nodes/chaos-node.ts';
import type { FaultKind, PlannedFault } from '../plan.ts';

/** All that faults can reach. */
export interface Stage {
  readonly nodes: readonly ChaosNode[];
  readonly database: OwnDatabase;
  /** Absent in a run without a broker. */
  readonly broker?: OwnBroker | undefined;
  readonly consumer?: EventConsumer | undefined;
}

export interface InjectedFault {
  /** For people: which process, which sessions. */
  readonly target: string;
  /** While it lasts, this node can't be expected to serve; undefined: it can, slowly. */
  readonly stops?: 'all' | ChaosNode;
  /** Ends it, and resolves when its direct consequences are over. Called once, after the planned duration. */
  heal(): Promise<void>;
}

export interface Fault {
  readonly kind: FaultKind;
  /** Undefined where there was nothing to hit. */
  inject(planned: PlannedFault, node: ChaosNode, stage: Stage): InjectedFault | undefined;
}
