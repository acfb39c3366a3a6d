import { expect } from 'chai';
import { takesRequests, type WorkerReadiness } from './node-readiness.ts';
import type { Check, WorkerReport } from './worker-report.ts';

const workerOf = (status: Check['status'], changes: Partial<WorkerReadiness> = {}): WorkerReadiness => ({
  isOpen: true,
  isLeaving: false,
  report: { checks: { shards: { status } } } as unknown as WorkerReport,
  ...changes,
});
const well = workerOf('up');
const bad = workerOf('down');
const gone = workerOf('up', { isOpen: false });
const leaving = workerOf('up', { isLeaving: true });

describe('a node takes requests', () => {
  const CASES: readonly (readonly [boolean, string, readonly WorkerReadiness[]])[] = [
    [true, 'with all workers open and fit', [well, well]],
    [true, 'while one worker died, or is restarted: the other takes them', [well, gone]],
    [true, 'while one worker leaves', [leaving, well]],
    [true, 'before the first report', [workerOf('down', { report: undefined })]],
    [true, 'where something is degraded', [workerOf('degraded'), well]],
    [false, 'not when one that takes them is not fit', [well, bad]],
    [true, 'whatever ails one that takes none', [well, { ...bad, isOpen: false }]],
    [false, 'not with less than half of its workers', [well, gone, gone]],
    [false, 'not when its only worker is restarted', [leaving]],
    [false, 'not before any is open', [gone, gone]],
  ];
  for (const [expected, name, workers] of CASES)
    it(name, () => {
      expect(takesRequests(workers)).to.equal(expected);
    });
});
