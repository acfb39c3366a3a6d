/**
 * The numbers that represent a side: those of its measured phases, round by round. A phase is known by its name, an
 * operation by its name within the phase.
 */
import { median, sum } from '../statistics.ts';
import type { OperationResult, PhaseResult, RoundResult, SideResult } from './scenario-report.ts';

export interface MeasuredPhase {
  readonly name: string;
  /** One of each round. */
  readonly rounds: readonly PhaseResult[];
  readonly operations: readonly MeasuredOperation[];
}

export type Throughput = Pick<PhaseResult, 'offeredPerSecond' | 'ordersPerSecond' | 'linesPerSecond' | 'dropped'>;

export interface PhaseThroughput {
  readonly name: string;
  /** One of each round. */
  readonly rounds: readonly Throughput[];
}

export interface MeasuredOperation {
  readonly name: string;
  /** One of each round. */
  readonly rounds: readonly OperationResult[];
}

export function measuredPhases(side: SideResult): MeasuredPhase[] {
  const phases = side.rounds.flatMap((round) => round.phases.filter((phase) => phase.measured));
  return groupByName(phases).map((phase) => ({
    ...phase,
    operations: groupByName(phase.rounds.flatMap(({ operations }) => operations)),
  }));
}

/** Of a side with several measured phases, all of them together as well: its verified figure rests on them. */
export function throughputPhases(side: SideResult): PhaseThroughput[] {
  const phases = measuredPhases(side);
  if (phases.length < 2) return phases;
  return [...phases, { name: 'all measured', rounds: side.rounds.map(allMeasured) }];
}

/** The measured phases of a round as one. */
export function allMeasured(round: RoundResult): Throughput {
  const phases = round.phases.filter((phase) => phase.measured);
  const seconds = sum(phases.map((phase) => phase.seconds));
  const perSecond = (of: (phase: PhaseResult) => number) => sum(phases.map(of)) / seconds;
  return {
    ordersPerSecond: perSecond(({ orders }) => orders),
    linesPerSecond: perSecond((phase) => phase.linesPerSecond * phase.seconds),
    dropped: sum(phases.map(({ dropped }) => dropped)),
  };
}

/** From the phases that measured it; undefined where none did. */
export function medianOfKnown(values: readonly (number | undefined)[]): number | undefined {
  const known = knownOf(values);
  return known.length === 0 ? undefined : median(known);
}

export function knownOf(values: readonly (number | undefined)[]): number[] {
  return values.filter((value) => value !== undefined);
}

function groupByName<Item extends { readonly name: string }>(
  items: readonly Item[],
): { name: string; rounds: Item[] }[] {
  const names = [...new Set(items.map(({ name }) => name))];
  return names.map((name) => ({ name, rounds: items.filter((item) => item.name === name) }));
}
