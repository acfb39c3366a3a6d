import { expect } from 'chai';
import { KnownCommands } from './known-commands.ts';

describe('known commands', () => {
  it('give the fingerprint that came with an id, and nothing for an id never seen', () => {
    const known = new KnownCommands(undefined);
    known.remember('a', 'f');
    expect([known.fingerprintOf('a'), known.fingerprintOf('b')]).to.deep.equal(['f', undefined]);
  });

  it('without a limit are kept for ever', () => {
    const known = new KnownCommands(undefined);
    for (let n = 0; n < 5_000; n++) known.remember(`id-${n}`, String(n));
    expect(known.fingerprintOf('id-0')).to.equal('0');
  });

  it('at their limit forget the oldest, one for one', () => {
    const known = new KnownCommands(3);
    for (const id of ['a', 'b', 'c', 'd']) known.remember(id, id);
    expect(known.entries().map(([id]) => id)).to.deep.equal(['b', 'c', 'd']);
  });

  it('remembered twice count once', () => {
    const known = new KnownCommands(2);
    for (const id of ['a', 'a', 'a', 'b']) known.remember(id, id);
    expect(known.entries().map(([id]) => id)).to.deep.equal(['a', 'b']);
  });

  it('come back from a snapshot as they were, within the limit', () => {
    const known = new KnownCommands(2, [
      ['a', '1'],
      ['b', '2'],
      ['c', '3'],
    ]);
    expect(known.entries()).to.deep.equal([
      ['b', '2'],
      ['c', '3'],
    ]);
  });

  it('take any id: no name of an object’s own is special', () => {
    const known = new KnownCommands(undefined);
    expect(known.fingerprintOf('__proto__')).to.equal(undefined);
    known.remember('__proto__', 'f');
    expect(known.fingerprintOf('__proto__')).to.equal('f');
    expect(known.fingerprintOf('constructor')).to.equal(undefined);
  });
});
