/**
 * Judges nodes that are cut off. A node that says "ready" serves every request, itself or by the node that it handed
 * over to, within a few seconds of the cut; and at least one node says so. Only time without other faults is judged.
 * Pure.
 */
import type { FaultKind } from '../plan.ts';
import type { TimelineEntry } from '../timeline.ts';
import { coveredMs } from './intervals.ts';
import { type Violation, Violations } from './violation.ts';

/** While one of these lasts, nodes can't reach each other by the broker that they talk through, and nothing else is wrong. */
export const ISOLATING_KINDS: ReadonlySet<string> = new Set<FaultKind>(['broker-node-cut', 'broker-exchange-deleted']);
/** From the cut to the first answer. */
export const UNSERVED_MS_MAX = 5_000;
/** How often each product is asked for at each node, and how long an answer may take: the error of the measurement. */
export const PROBE_INTERVAL_MS = 400;
/** After the end of an isolation shards may move back; that is judged as well. */
export const AFTER_ISOLATION_MS = 3_000;
/** After another fault's end: a process that was killed comes back, a session that was cut is opened again. */
const OTHER_FAULT_GRACE_MS = 5_000;
/** A worker whose renewals had stopped counts less in a split for so long, so the split may be decided only then. */
const AFTER_FREEZE_MS = 10_000;
const FREEZES: ReadonlySet<string> = new Set<FaultKind>(['worker-freeze', 'node-freeze']);
/** Faults that leave nothing unserved beyond the isolation itself. */
const HARMLESS_KINDS: ReadonlySet<string> = new Set<FaultKind>(['broker-acks-dropped']);

/** One product asked for at one node. */
export interface Probe {
  readonly sentAtMs: number;
  readonly endedAtMs: number;
  readonly node: string;
  readonly product: string;
  readonly isServed: boolean;
  /** The node reported it right before. */
  readonly isNodeReady: boolean;
}

/** The result of one isolation. */
export interface Isolation {
  readonly atMs: number;
  readonly kind: string;
  readonly target: string;
  readonly probes: number;
  readonly probesFailed: number;
  /** The longest of any product, at a node that said it was ready or, while none did, anywhere. */
  readonly unservedMs: number;
  /** Where that was. */
  readonly unservedAt: string;
}

export function measureIsolations(timeline: readonly TimelineEntry[], probes: readonly Probe[]): Isolation[] {
  return timeline
    .filter(({ kind, isFault }) => isFault && ISOLATING_KINDS.has(kind))
    .map((entry) => measure(entry, timeline, probes));
}

export function checkReach(isolations: readonly Isolation[]): Violation[] {
  const violations = new Violations();
  for (const { atMs, kind, target, unservedMs, unservedAt, probes } of isolations) {
    const subject = `${kind} at ${(atMs / 1000).toFixed(1)} s, ${target}`;
    if (probes === 0) violations.add('isolation_not_probed', subject, 'probes while it lasted', 'none');
    if (unservedMs <= UNSERVED_MS_MAX + PROBE_INTERVAL_MS) continue;
    const expected = `all served by ready nodes within ${UNSERVED_MS_MAX / 1000} s`;
    violations.add('unserved_while_cut_off', subject, expected, `${(unservedMs / 1000).toFixed(1)} s, ${unservedAt}`);
  }
  return violations.list;
}

function graceMs({ kind }: TimelineEntry): number {
  return FREEZES.has(kind) ? AFTER_FREEZE_MS : OTHER_FAULT_GRACE_MS;
}

function measure(entry: TimelineEntry, timeline: readonly TimelineEntry[], all: readonly Probe[]): Isolation {
  const { atMs, kind, target } = entry;
  const endMs = atMs + (entry.durationMs ?? Infinity) + AFTER_ISOLATION_MS;
  const probes = all.filter(({ sentAtMs }) => sentAtMs >= atMs && sentAtMs <= endMs);
  const others = timeline
    .filter((other) => other !== entry && other.isFault && !HARMLESS_KINDS.has(other.kind))
    .map((other) => [other.atMs, other.atMs + (other.durationMs ?? Infinity) + graceMs(other)] as const);
  const clearMs = (from: number, to: number): number => to - from - coveredMs(others, from, to);

  let unservedMs = 0;
  let unservedAt = '';
  const found = (ms: number, where: string): void => {
    if (ms <= unservedMs) return;
    unservedMs = Math.round(ms);
    unservedAt = where;
  };
  for (const [name, ofProduct] of grouped(probes, ({ product }) => product)) {
    for (const [node, atNode] of grouped(ofProduct, (probe) => probe.node)) {
      found(longestUnserved(atNode, atMs, clearMs, true), `product ${name} asked for at ${node}, which said "ready"`);
    }
    found(longestUnserved(ofProduct, atMs, clearMs, false), `product ${name}, at every node that said "ready"`);
  }
  const probesFailed = probes.filter(({ isServed, isNodeReady }) => isNodeReady && !isServed).length;
  return { atMs, kind, target, probes: probes.length, probesFailed, unservedMs, unservedAt };
}

/**
 * From the last success, or from the cut, to the next success or the last failure.
 * @param endsWhenNotReady a node that does not say "ready" gets no requests; else it counts as one that fails
 */
function longestUnserved(
  probes: readonly Probe[],
  cutAtMs: number,
  clearMs: (from: number, to: number) => number,
  endsWhenNotReady: boolean,
): number {
  let longest = 0;
  let sinceMs = cutAtMs;
  let hasFailed = false;
  for (const { sentAtMs, endedAtMs, isServed, isNodeReady } of [...probes].sort((a, b) => a.sentAtMs - b.sentAtMs)) {
    const isOver = endsWhenNotReady && !isNodeReady;
    if (isServed && isNodeReady) {
      if (hasFailed) longest = Math.max(longest, clearMs(sinceMs, endedAtMs));
    } else if (!isOver) {
      longest = Math.max(longest, clearMs(sinceMs, endedAtMs));
      hasFailed = true;
      continue;
    }
    sinceMs = Math.max(sinceMs, sentAtMs);
    hasFailed = false;
  }
  return longest;
}

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
