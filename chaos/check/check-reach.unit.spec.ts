import { expect } from 'chai';
import type { TimelineEntry } from '../timeline.ts';
import { checkReach, measureIsolations, type Probe, UNSERVED_MS_MAX } from './check-reach.ts';

const CUT_MS = 10_000;
const LENGTH_MS = 12_000;
const STEP_MS = 500;

const entry = (change: Partial<TimelineEntry> = {}): TimelineEntry => ({
  atMs: CUT_MS,
  kind: 'broker-node-cut',
  target: 'node 1',
  durationMs: LENGTH_MS,
  stopsAll: false,
  isFault: true,
  ...change,
});

interface Answer {
  readonly isServed: boolean;
  readonly isNodeReady: boolean;
}
const SERVED: Answer = { isServed: true, isNodeReady: true };
const FAILED: Answer = { isServed: false, isNodeReady: true };
const NOT_READY: Answer = { isServed: false, isNodeReady: false };

/** Probes of one product at two nodes, each answered as `answerOf` says of the time since the cut. */
function probes(answerOf: (node: number, sinceCutMs: number) => Answer): Probe[] {
  const list: Probe[] = [];
  for (let atMs = CUT_MS - 2_000; atMs < CUT_MS + LENGTH_MS; atMs += STEP_MS) {
    for (const node of [1, 2]) {
      const answer = answerOf(node, atMs - CUT_MS);
      list.push({ sentAtMs: atMs, endedAtMs: atMs + 10, node: `node ${node}`, product: 'A', ...answer });
    }
  }
  return list;
}

const unservedMs = (list: readonly Probe[], ...others: readonly TimelineEntry[]): number =>
  measureIsolations([entry(), ...others], list)[0]!.unservedMs;
const isBroken = (list: readonly Probe[], ...others: readonly TimelineEntry[]): boolean =>
  checkReach(measureIsolations([entry(), ...others], list)).length > 0;

describe('the verdict on a node that is cut off', () => {
  it('is clean where all are served all the while', () => {
    expect(unservedMs(probes(() => SERVED))).to.equal(0);
  });

  it('is clean where the node hands over in time and says that it is not ready', () => {
    const list = probes((node, ms) => (ms < 3_000 ? FAILED : node === 1 ? NOT_READY : SERVED));
    expect(unservedMs(list)).to.equal(3_010);
    expect(isBroken(list)).to.equal(false);
  });

  it('names the product and the node where it takes too long', () => {
    const list = probes((_node, ms) => (ms < UNSERVED_MS_MAX + 1_000 ? FAILED : SERVED));
    const [isolation] = measureIsolations([entry()], list);
    expect(isolation!.unservedMs).to.equal(UNSERVED_MS_MAX + 1_010);
    expect(checkReach([isolation!])[0]!.found).to.include('product A');
  });

  it('is broken by a node that says "ready" and does not serve, though another serves', () => {
    expect(isBroken(probes((node, ms) => (node === 1 && ms >= 0 ? FAILED : SERVED)))).to.equal(true);
  });

  it('is broken where no node says "ready", and so by one that never comes back', () => {
    expect(isBroken(probes((_node, ms) => (ms < 0 ? SERVED : NOT_READY)))).to.equal(true);
  });

  it('is broken by failures that begin late in the cut', () => {
    expect(isBroken(probes((_node, ms) => (ms < 5_000 ? SERVED : FAILED)))).to.equal(true);
  });

  it('is not broken by failures with successes in between', () => {
    expect(isBroken(probes((_node, ms) => (ms % 4_000 === 0 ? SERVED : FAILED)))).to.equal(false);
  });

  it('leaves out the time in which something else was wrong as well', () => {
    const list = probes((_node, ms) => (ms < UNSERVED_MS_MAX + 1_000 ? FAILED : SERVED));
    const kill = entry({ kind: 'postgres-kill', atMs: CUT_MS + 1_000, durationMs: 1_000 });
    expect(isBroken(list, kill)).to.equal(false);
    expect(isBroken(list, { ...kill, kind: 'broker-acks-dropped' }), 'harmless').to.equal(true);
    expect(isBroken(list, { ...kill, isFault: false }), 'a note').to.equal(true);
    expect(isBroken(list, { ...kill, atMs: 0 }), 'over long before').to.equal(true);
  });

  it('leaves out more after a freeze: who was frozen counts less for a while', () => {
    const list = probes((_node, ms) => (ms < UNSERVED_MS_MAX + 1_000 ? FAILED : SERVED));
    const freeze = entry({ kind: 'node-freeze', atMs: CUT_MS - 9_000, durationMs: 3_000 });
    expect(isBroken(list, freeze)).to.equal(false);
    expect(isBroken(list, { ...freeze, kind: 'postgres-kill' }), 'no freeze').to.equal(true);
    expect(isBroken(list, { ...freeze, atMs: CUT_MS - 14_000 }), 'over long before').to.equal(true);
  });

  it('can not be given without probes', () => {
    expect(checkReach(measureIsolations([entry()], [])).map(({ rule }) => rule)).to.deep.equal([
      'isolation_not_probed',
    ]);
  });
});
