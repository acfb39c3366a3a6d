import { expect } from 'chai';
import { childrenOf, parseStat, type ProcessEntry } from './process-table.ts';

const LINE =
  '4711 (node) S 42 4711 4711 0 -1 4194304 5000 6000 7 8 250 75 30 20 20 0 11 0 123456 1000000 2000 18446744073709551615';

describe('parseStat', () => {
  it('reads parent, command and CPU time, own and of ended children, in seconds', () => {
    expect(parseStat(LINE)).to.deep.equal({
      pid: 4711,
      parentPid: 42,
      command: 'node',
      cpuSeconds: 3.25,
      endedChildrenCpuSeconds: 0.5,
    });
  });

  it('is not misled by spaces and parentheses in the command', () => {
    const entry = parseStat(LINE.replace('(node)', '(a ) R 1 (b)'));
    expect(entry).to.include({ command: 'a ) R 1 (b', parentPid: 42, cpuSeconds: 3.25 });
  });

  for (const line of ['', 'no such thing', '1 (short) S 2', '1 (x) S y 1 1 0 -1 1 1 1 1 1 a b c d 1']) {
    it(`takes ${JSON.stringify(line)} for no process`, () => {
      expect(parseStat(line)).to.equal(undefined);
    });
  }
});

describe('childrenOf', () => {
  it('finds the direct children, oldest pid first', () => {
    const entry = (pid: number, parentPid: number): ProcessEntry => ({
      ...{ pid, parentPid, command: 'node', cpuSeconds: 0, endedChildrenCpuSeconds: 0 },
    });
    const table = new Map([entry(9, 1), entry(5, 1), entry(7, 5), entry(1, 0)].map((each) => [each.pid, each]));
    expect(childrenOf(table, 1).map((child) => child.pid)).to.deep.equal([5, 9]);
  });
});
