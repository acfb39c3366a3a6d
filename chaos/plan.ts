/**
 * The plan of a run's faults: which, when, and for how long. It is made of the seed before the start, so that the same
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
  'broker-restart',
  'broker-kill',
  'broker-away',
  'broker-node-cut',
  'broker-acks-dropped',
  'broker-exchange-deleted',
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
  readonly broker: boolean;
}

/** About one fault in 5 s: 15 minutes hold more than 150. */
const PAUSE_MS_MIN = 2_500;
const PAUSE_MS_MAX = 5_000;
/** Around a fault that must be alone: earlier faults have healed, and its own effect has been seen. */
const QUIET_BEFORE_MS = 6_000;
const QUIET_AFTER_MS = 4_000;
/** How long a card waits for a fitting moment; one that would wait longer lets others go first. */
const PATIENCE_MS = 8_000;
/** From the order to start until it serves, and its clients are back. */
const BROKER_START_MS = 12_000;
const FIRST_FAULT_MS = 1_500;

interface Card {
  readonly copies: number;
  readonly durationMs: readonly [min: number, max: number];
  /** A frozen node that is the only one leaves nothing to observe. */
  readonly nodesMin?: number;
  readonly needsBroker?: true;
  /** In the first deck and every so many after it; in each if left out. */
  readonly everyDecks?: number;
  /** While it lasts there is no other fault, so that its own effect shows. */
  readonly isAlone?: true;
}

const CARDS: Readonly<Record<FaultKind, Card>> = {
  'worker-kill': { copies: 2, durationMs: [0, 0] },
  'worker-freeze': { copies: 2, durationMs: [500, 8_000] },
  'primary-kill': { copies: 1, durationMs: [100, 3_000] },
  'node-freeze': { copies: 1, durationMs: [1_000, 30_000], nodesMin: 2 },
  // Its own supervisor permits 8 deaths in 5 minutes; one a deck is less.
  'postgres-kill': { copies: 1, durationMs: [0, 0] },
  'network-delay': { copies: 1, durationMs: [2_000, 10_000] },
  'network-cut': { copies: 2, durationMs: [0, 0] },
  'network-black-hole': { copies: 1, durationMs: [1_000, 10_000] },
  // Armed for so long at most: it needs a statement to cut.
  'answer-cut': { copies: 3, durationMs: [1_000, 4_000] },
  // At most a little longer than a session waits for its answer, so that some arrive after their sender gave up.
  'statement-withheld': { copies: 2, durationMs: [1_000, 25_000] },
  // Of these two it is how long it stays away, beside the time that a start takes.
  'broker-restart': { copies: 1, durationMs: [0, 2_000], needsBroker: true },
  'broker-kill': { copies: 1, durationMs: [0, 2_000], needsBroker: true },
  'broker-away': { copies: 1, durationMs: [50_000, 65_000], needsBroker: true, everyDecks: 3 },
  'broker-node-cut': { copies: 1, durationMs: [9_000, 14_000], needsBroker: true, nodesMin: 2, isAlone: true },
  'broker-acks-dropped': { copies: 2, durationMs: [500, 5_000], needsBroker: true },
  // Deleted in a moment; its duration is how long nodes are watched getting over it.
  'broker-exchange-deleted': { copies: 1, durationMs: [7_000, 7_000], needsBroker: true, nodesMin: 2, isAlone: true },
};

const STOPS_BROKER: ReadonlySet<FaultKind> = new Set(['broker-restart', 'broker-kill', 'broker-away']);

export function makePlan(options: PlanOptions): PlannedFault[] {
  const random = seededRandom(options.seed, 'plan');
  const plan: PlannedFault[] = [];
  const over: Over = { allMs: 0, brokerMs: 0 };
  let deck: FaultKind[] = [];
  let decks = 0;
  let atMs = FIRST_FAULT_MS;
  while (atMs < options.durationMs) {
    let index = deck.findLastIndex((kind) => earliestMs(kind, over) <= atMs + PATIENCE_MS);
    if (index < 0) {
      // What must wait for longer stays on top of the next deck.
      deck = [...shuffledDeck(random, options, decks++), ...deck];
      index = deck.findLastIndex((kind) => earliestMs(kind, over) <= atMs + PATIENCE_MS);
    }
    const kind = deck.splice(index, 1)[0]!;
    const { durationMs: range, isAlone = false } = CARDS[kind];
    atMs = Math.max(atMs, earliestMs(kind, over));
    const durationMs = Math.round(random.between(...range));
    plan.push({
      atMs: Math.round(atMs),
      kind,
      durationMs,
      node: random.next(),
      target: random.next(),
      severity: random.next(),
    });
    over.allMs = Math.max(over.allMs, atMs + durationMs);
    if (STOPS_BROKER.has(kind)) over.brokerMs = atMs + durationMs + BROKER_START_MS;
    atMs += random.between(PAUSE_MS_MIN, PAUSE_MS_MAX) + (isAlone ? durationMs + QUIET_AFTER_MS : 0);
  }
  // One that had to wait may have been put off beyond the end.
  return plan.filter((planned) => planned.atMs < options.durationMs);
}

/** When what was injected so far will be over. */
interface Over {
  allMs: number;
  brokerMs: number;
}

function earliestMs(kind: FaultKind, { allMs, brokerMs }: Over): number {
  const { isAlone = false, needsBroker = false } = CARDS[kind];
  if (isAlone) return Math.max(allMs + QUIET_BEFORE_MS, brokerMs);
  return needsBroker ? brokerMs : 0;
}

function shuffledDeck(random: Random, { nodes, broker }: PlanOptions, index: number): FaultKind[] {
  const cards = FAULT_KINDS.flatMap((kind) => {
    const { copies, nodesMin = 1, needsBroker = false, everyDecks = 1 } = CARDS[kind];
    const isIn = nodes >= nodesMin && (broker || !needsBroker) && index % everyDecks === 0;
    return isIn ? Array.from({ length: copies }, () => kind) : [];
  });
  return random.shuffled(cards);
}

/** The item that a number from 0 to 1 points at; undefined of an empty list. */
export function pointedAt<T>(items: readonly T[], share: number): T | undefined {
  return items[Math.min(Math.floor(share * items.length), items.length - 1)];
}
