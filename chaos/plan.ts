/**
 * Owns which faults a run injects, when, and for how long: made of the seed before anything starts, so that the same
 * seed and options give the same plan. What a fault hits is a number from 0 to 1 here, because processes and
 * connections have no names before they run.
 *
 * Kinds are dealt like cards: each deck holds every kind, some more than once, so that no run of a few minutes leaves
 * one out, and none comes so often that a node gives up for that reason alone.
 */
import { type Random, seededRandom } from './random.ts';

export const FAULT_KINDS = [
  'worker-kill',
  'worker-freeze',
  'primary-kill',
  'node-freeze',
  'postgres-kill',
  'network-delay',
  'network-cut',
  'network-black-hole',
  'answer-cut',
  'statement-withheld',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface PlannedFault {
  /** Since the load began. */
  readonly atMs: number;
  readonly kind: FaultKind;
  /** From its injection to its end; of a kill: until what was killed is started again. */
  readonly durationMs: number;
  /** Which of the nodes; 0 to 1. */
  readonly node: number;
  /** Which of its processes or connections; 0 to 1. */
  readonly target: number;
  /** How bad, or which way; each kind reads it its own way. 0 to 1. */
  readonly severity: number;
}

export interface PlanOptions {
  readonly seed: number;
  readonly durationMs: number;
  readonly nodes: number;
}

/** About one fault in 5 s: 15 minutes hold more than 150. */
const PAUSE_MS_MIN = 2_500;
const PAUSE_MS_MAX = 7_000;
const FIRST_FAULT_MS = 1_500;

interface Card {
  readonly copies: number;
  readonly durationMs: readonly [min: number, max: number];
  /** A node that stands still while it is the only one leaves nothing to be seen. */
  readonly nodesMin?: number;
}

const CARDS: Readonly<Record<FaultKind, Card>> = {
  'worker-kill': { copies: 2, durationMs: [0, 0] },
  'worker-freeze': { copies: 2, durationMs: [500, 8_000] },
  'primary-kill': { copies: 1, durationMs: [100, 3_000] },
  'node-freeze': { copies: 1, durationMs: [1_000, 30_000], nodesMin: 2 },
  // Its own supervisor bears 8 deaths in 5 minutes: one a deck is less.
  'postgres-kill': { copies: 1, durationMs: [0, 0] },
  'network-delay': { copies: 1, durationMs: [2_000, 10_000] },
  'network-cut': { copies: 2, durationMs: [0, 0] },
  'network-black-hole': { copies: 1, durationMs: [1_000, 10_000] },
  // Armed for so long at most: it needs a statement to cut.
  'answer-cut': { copies: 3, durationMs: [1_000, 4_000] },
  // At most a little longer than a session waits for its answer, so that some arrive after their sender gave up.
  'statement-withheld': { copies: 2, durationMs: [1_000, 25_000] },
};

export function makePlan({ seed, durationMs, nodes }: PlanOptions): PlannedFault[] {
  const random = seededRandom(seed, 'plan');
  const plan: PlannedFault[] = [];
  let deck: FaultKind[] = [];
  let atMs = FIRST_FAULT_MS;
  while (atMs < durationMs) {
    if (deck.length === 0) deck = shuffledDeck(random, nodes);
    const kind = deck.pop()!;
    const [min, max] = CARDS[kind].durationMs;
    plan.push({
      atMs: Math.round(atMs),
      kind,
      durationMs: Math.round(random.between(min, max)),
      node: random.next(),
      target: random.next(),
      severity: random.next(),
    });
    atMs += random.between(PAUSE_MS_MIN, PAUSE_MS_MAX);
  }
  return plan;
}

function shuffledDeck(random: Random, nodes: number): FaultKind[] {
  const cards = FAULT_KINDS.flatMap((kind) => {
    const { copies, nodesMin = 1 } = CARDS[kind];
    return nodes >= nodesMin ? Array.from({ length: copies }, () => kind) : [];
  });
  return random.shuffled(cards);
}

/** The item that a number from 0 to 1 points at; undefined of an empty list. */
export function pointedAt<T>(items: readonly T[], share: number): T | undefined {
  return items[Math.min(Math.floor(share * items.length), items.length - 1)];
}
