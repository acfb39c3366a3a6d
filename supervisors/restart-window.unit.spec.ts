import { expect } from 'chai';
import { addRestart, type RestartWindow } from './restart-window.ts';

const LIMIT = { restartsMax: 3, windowMs: 1_000 };

/** The moments at which it was exceeded. */
function exceededAt(restarts: readonly number[]): number[] {
  let window: RestartWindow = [];
  const exceeded: number[] = [];
  for (const at of restarts) {
    const added = addRestart(window, at, LIMIT);
    window = added.window;
    if (added.exceeded) exceeded.push(at);
  }
  return exceeded;
}

describe('restart window', () => {
  it('bears as many restarts as its limit, and not one more', () => {
    expect(exceededAt([0, 1, 2])).to.deep.equal([]);
    expect(exceededAt([0, 1, 2, 3])).to.deep.equal([3]);
  });

  it('forgets a restart that lies a window back', () => {
    expect(exceededAt([0, 1, 2, 1_000])).to.deep.equal([]);
    expect(exceededAt([0, 1, 2, 999])).to.deep.equal([999]);
  });

  it('never tires of restarts that come slowly', () => {
    expect(exceededAt(Array.from({ length: 1_000 }, (_, n) => n * 334))).to.deep.equal([]);
  });

  it('with a limit of none is exceeded by the first', () => {
    expect(addRestart([], 5, { restartsMax: 0, windowMs: 1_000 }).exceeded).to.equal(true);
  });

  it('changes nothing that it was given', () => {
    const window: RestartWindow = Object.freeze([1, 2]);
    expect(addRestart(window, 3, LIMIT).window).to.deep.equal([1, 2, 3]);
    expect(window).to.deep.equal([1, 2]);
  });
});
