import { expect } from 'chai';
import { cpuUseBetween, workerShares } from './cpu-groups.ts';
import type { ProcessTable } from './process-table.ts';

type Row = readonly [pid: number, parentPid: number, cpuSeconds: number, endedChildrenCpuSeconds?: number];

function table(...rows: readonly Row[]): ProcessTable {
  return new Map(
    rows.map(([pid, parentPid, cpuSeconds, endedChildrenCpuSeconds = 0]) => [
      pid,
      { pid, parentPid, command: 'x', cpuSeconds, endedChildrenCpuSeconds },
    ]),
  );
}

const roots = { measured: 10, idle: [20], postmaster: 30 };

describe('cpuUseBetween', () => {
  it('tells primary, workers, PostgreSQL and the idle side apart', () => {
    const before = table([10, 1, 1], [11, 10, 2], [12, 10, 3], [20, 1, 5], [21, 20, 6], [30, 1, 7], [31, 30, 8]);
    const after = table([10, 1, 1.5], [11, 10, 6], [12, 10, 5], [20, 1, 5], [21, 20, 6.25], [30, 1, 7], [31, 30, 10]);
    expect(cpuUseBetween(before, after, roots)).to.deep.equal({
      primarySeconds: 0.5,
      workersSeconds: [4, 2],
      postgresSeconds: 2,
      idleSideSeconds: 0.25,
    });
  });

  it('counts a PostgreSQL session that ended in between', () => {
    const before = table([10, 1, 0], [30, 1, 1, 2], [31, 30, 3]);
    const after = table([10, 1, 0], [30, 1, 1, 6]);
    expect(cpuUseBetween(before, after, roots).postgresSeconds).to.equal(1);
  });

  it('leaves PostgreSQL out where it runs elsewhere', () => {
    const still = table([10, 1, 0]);
    expect(cpuUseBetween(still, still, { measured: 10, idle: [] })).not.to.have.property('postgresSeconds');
  });

  it('refuses a figure where a worker was replaced', () => {
    const before = table([10, 1, 0], [11, 10, 0]);
    const after = table([10, 1, 0], [12, 10, 0]);
    expect(() => cpuUseBetween(before, after, roots)).to.throw('11 became 12');
  });
});

describe('workerShares', () => {
  it('gives each worker its part of the whole', () => {
    expect(workerShares({ workersSeconds: [3, 1] })).to.deep.equal([0.75, 0.25]);
  });

  it('is zero for workers that did nothing', () => {
    expect(workerShares({ workersSeconds: [0, 0] })).to.deep.equal([0, 0]);
  });
});
