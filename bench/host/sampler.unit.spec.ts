import { expect } from 'chai';
import { familySeconds, type ProcessTable } from './process-table.ts';
import { coresBetween, type Reading, read, used } from './sampler.ts';

const reading = (atMs: number, machineSeconds: number, seconds: Record<string, number>): Reading => ({
  atMs,
  machineSeconds,
  seconds: new Map(Object.entries(seconds)),
  rssMiB: new Map(),
});

describe('samples of processes', () => {
  it('give the cores that each kept busy, and what all others on the machine did', () => {
    const before = reading(1_000, 100, { primary: 1, 'worker 1': 10 });
    const after = reading(3_000, 104, { primary: 1.5, 'worker 1': 12 });
    expect(coresBetween(before, after)).to.deep.equal({ primary: 0.25, 'worker 1': 1, elsewhere: 0.75 });
  });

  it('never say less than nothing: of a quiet machine, or of a worker that took the place of a dead one', () => {
    const before = reading(1_000, 100, { 'worker 1': 10 });
    const after = reading(2_000, 100, { 'worker 1': 0.25, 'worker 2': 0.5 });
    expect(coresBetween(before, after)).to.deep.equal({ 'worker 1': 0.25, 'worker 2': 0.5, elsewhere: 0 });
    expect(used(before, after).get('worker 1')).to.equal(0.25);
  });

  it('count a child that ended in between with its parent', () => {
    const row = (pid: number, parentPid: number, cpuSeconds: number, endedChildrenCpuSeconds = 0) =>
      [pid, { pid, parentPid, command: 'x', cpuSeconds, endedChildrenCpuSeconds }] as const;
    const before: ProcessTable = new Map([row(30, 1, 1, 2), row(31, 30, 3)]);
    const after: ProcessTable = new Map([row(30, 1, 1, 6)]);
    expect(familySeconds(after, 30) - familySeconds(before, 30)).to.equal(1);
  });

  it('are taken of real processes where the system shows them', () => {
    const seen = read({ primaryPid: () => process.ppid, loadPid: process.pid });
    if (process.platform !== 'linux') return void expect(seen).to.equal(undefined);
    expect(seen!.rssMiB.get('load')).to.be.within(20, 4_000);
    expect(seen!.seconds.get('load')).to.be.greaterThan(0);
    expect([...seen!.seconds.keys()])
      .to.include.members(['primary', 'worker 1', 'load'])
      .and.not.include('PostgreSQL');
  });
});
