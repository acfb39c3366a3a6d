/**
 * Compares two runs of a scenario, A and then B, as text. It compares rounds: seconds within a round depend on each
 * other, so a test over them would find false differences. Runs and sides without a figure are not compared.
 */
import { median, sum } from '../statistics.ts';
import { formatCount, formatMillis, formatRatio } from './format-figures.ts';
import { reasonsForNoFigure, verdictOf } from './headline.ts';
import { knownOf, measuredPhases, throughputPhases, type Throughput } from './measured-phases.ts';
import { permutationTest, smallestP } from './permutation-test.ts';
import type { ScenarioReport, SideResult } from './scenario-report.ts';
import { formatTable } from './table.ts';

/** A difference is shown where chance alone gives one as great less often than this. */
const P_MAX = 0.05;

/** One figure of both runs, round by round. */
interface ComparedFigure {
  readonly name: string;
  readonly a: readonly number[];
  readonly b: readonly number[];
}

type Facts = Readonly<Record<string, string | number | boolean>>;

/** The format of a kind of figures, and which direction is better. */
interface FigureKind {
  readonly title: string;
  readonly format: (value: number) => string;
  readonly isBetterHigh: boolean;
}

const THROUGHPUT: FigureKind = { title: 'complete orders/s', format: formatCount, isBetterHigh: true };
const LATENCY: FigureKind = { title: 'latency, ms', format: formatMillis, isBetterHigh: false };

export function compareReports(a: ScenarioReport, b: ScenarioReport): string {
  return [
    [runLine('A', a), runLine('B', b)],
    differencesOf(a, b).map((difference) => `Warning: not the same ${difference}`),
    ...comparisonOf(a, b),
  ]
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

function runLine(letter: string, { scenario, startedAt }: ScenarioReport): string {
  return `${letter}: ${scenario}, started ${startedAt}`;
}

/** Conditions in which the two runs should agree but differ. */
function differencesOf(a: ScenarioReport, b: ScenarioReport): string[] {
  const factsOf = ({ scenario, machine, database, settings }: ScenarioReport) => ({
    scenario: { name: scenario },
    machine: { ...machine },
    PostgreSQL: { version: database.version, isEmbedded: database.isEmbedded, ...database.settings },
    settings,
  });
  const ofB: Record<string, Facts> = factsOf(b);
  return Object.entries(factsOf(a)).flatMap(([kind, facts]: [string, Facts]) => {
    const others = ofB[kind]!;
    const names = [...new Set([...Object.keys(facts), ...Object.keys(others)])];
    return names
      .filter((name) => facts[name] !== others[name])
      .map((name) => `${kind}: ${name} is ${facts[name] ?? 'absent'} in A and ${others[name] ?? 'absent'} in B`);
  });
}

function comparisonOf(a: ScenarioReport, b: ScenarioReport): string[][] {
  const spoiled = Object.entries({ A: a, B: b }).flatMap(([letter, report]) =>
    reasonsForNoFigure(report).map((reason) => `  ${letter}: ${reason}`),
  );
  if (spoiled.length > 0) return [['Nothing is compared: there is no figure.', ...spoiled]];
  const pairs = a.sides.flatMap((ofA) => b.sides.filter(({ id }) => id === ofA.id).map((ofB) => [ofA, ofB] as const));
  const isClean = ({ verdict }: SideResult) => verdict.kind === 'clean';
  const compared = pairs.filter(([ofA, ofB]) => isClean(ofA) && isClean(ofB));
  const throughput = compared.flatMap(([ofA, ofB]) => throughputOf(ofA, ofB));
  const latency = compared.flatMap(([ofA, ofB]) => latenciesOf(ofA, ofB));
  return [
    figureTable(THROUGHPUT, throughput),
    figureTable(LATENCY, latency),
    powerNotes([...throughput, ...latency]),
    [
      ...pairs.flatMap(([ofA, ofB]) =>
        Object.entries({ A: ofA, B: ofB })
          .filter(([, side]) => !isClean(side))
          .map(([letter, side]) => `Not compared: in ${letter}, ${verdictOf(side)}.`),
      ),
      ...onlyIn('A', a, b),
      ...onlyIn('B', b, a),
    ],
  ];
}

function onlyIn(letter: string, { sides }: ScenarioReport, other: ScenarioReport): string[] {
  return sides
    .filter(({ id }) => other.sides.every((side) => side.id !== id))
    .map(({ name }) => `Not compared: ${name}, which is only in ${letter}.`);
}

function throughputOf(a: SideResult, b: SideResult): ComparedFigure[] {
  const ofB = throughputPhases(b);
  const perSecond = (rounds: readonly Throughput[] = []) => rounds.map(({ ordersPerSecond }) => ordersPerSecond);
  return throughputPhases(a).flatMap(({ name, rounds }) => {
    const other = ofB.find((phase) => phase.name === name);
    return figure(`${a.name}, ${name}`, perSecond(rounds), perSecond(other?.rounds));
  });
}

function latenciesOf(a: SideResult, b: SideResult): ComparedFigure[] {
  const ofB = operationsOf(b);
  return operationsOf(a).flatMap(({ name, rounds }) => {
    const other = ofB.find((operation) => operation.name === name);
    return (['p50', 'p99'] as const).flatMap((percentile) => {
      const of = (each: typeof rounds) => knownOf(each.map(({ latency }) => latency?.[`${percentile}Ms`]));
      return figure(`${name}, ${percentile}`, of(rounds), other && of(other.rounds));
    });
  });
}

function operationsOf(side: SideResult) {
  return measuredPhases(side).flatMap((phase) =>
    phase.operations.map(({ name, rounds }) => ({ name: `${side.name}, ${phase.name}, ${name}`, rounds })),
  );
}

/** Nothing where one of the runs has no value. */
function figure(name: string, a: readonly number[], b: readonly number[] = []): ComparedFigure[] {
  return a.length === 0 || b.length === 0 ? [] : [{ name, a, b }];
}

function figureTable(kind: FigureKind, figures: readonly ComparedFigure[]): string[] {
  if (figures.length === 0) return [];
  return formatTable(
    [kind.title, 'A', 'A rounds', 'B', 'B rounds', 'B/A', 'p', 'B is'],
    figures.map(({ name, a, b }) => {
      const p = permutationTest(a, b);
      return [
        ...[name, kind.format(median(a)), spread(a, kind), kind.format(median(b)), spread(b, kind)],
        ...[formatRatio(median(b) / median(a)), formatP(p), judgement({ a, b }, p, kind)],
      ];
    }),
  );
}

function spread(values: readonly number[], { format }: FigureKind): string {
  return `${format(Math.min(...values))} to ${format(Math.max(...values))}`;
}

function formatP(p: number): string {
  return p < 0.001 ? '<0.001' : p.toFixed(3);
}

/** Of B, judged by the means that are tested. */
function judgement({ a, b }: Pick<ComparedFigure, 'a' | 'b'>, p: number, { isBetterHigh }: FigureKind): string {
  if (!canShowDifference(a.length, b.length)) return 'too few rounds';
  if (p >= P_MAX) return 'no difference shown';
  return mean(b) > mean(a) === isBetterHigh ? 'faster' : 'slower';
}

function canShowDifference(roundsOfA: number, roundsOfB: number): boolean {
  return smallestP(roundsOfA, roundsOfB) < P_MAX;
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}

/** The limits of the column p. */
function powerNotes(figures: readonly ComparedFigure[]): string[] {
  if (figures.length === 0) return ['Nothing is compared: the runs have no measured figure in common.'];
  const tooFew = figures
    .map(({ a, b }) => [a.length, b.length] as const)
    .filter(([ofA, ofB]) => !canShowDifference(ofA, ofB))
    .map(tooFewRounds);
  return [
    'A and B are medians of the rounds. p: how often chance alone gives means as far apart (permutation test).',
    ...(figures.length === 1
      ? []
      : [`${figures.length} comparisons: where nothing differs, chance alone still shows one in twenty as different.`]),
    ...new Set(tooFew),
  ];
}

function tooFewRounds([ofA, ofB]: readonly [number, number]): string {
  return (
    `Too few rounds: ${ofA} against ${ofB} can't give a p below ${formatP(smallestP(ofA, ofB))}, so nothing could be ` +
    'shown at 5 %, however great. Of the same number in both, it takes at least 4.'
  );
}
