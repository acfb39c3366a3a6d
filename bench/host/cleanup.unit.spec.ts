import { expect } from 'chai';
import { Cleanup, Interrupted } from './cleanup.ts';

describe('Cleanup', () => {
  it('undoes the last first, and goes on after a step that fails', async () => {
    const undone: string[] = [];
    const cleanup = new Cleanup();
    cleanup.add(() => void undone.push('first'));
    cleanup.add(() => Promise.reject(new Error('stuck')));
    cleanup.add(() => void undone.push('last'));
    await cleanup.run();
    expect(undone).to.deep.equal(['last', 'first']);
    expect(cleanup.problems.map(String)).to.deep.equal(['Error: stuck']);
  });

  it('runs each step once, however often it is called', async () => {
    let runs = 0;
    const cleanup = new Cleanup();
    cleanup.add(() => void runs++);
    await Promise.all([cleanup.run(), cleanup.run()]);
    await cleanup.run();
    expect(runs).to.equal(1);
  });

  it('lets nothing new begin once it runs', async () => {
    const cleanup = new Cleanup();
    await cleanup.run();
    expect(() => cleanup.add(() => undefined)).to.throw(Interrupted);
  });
});
