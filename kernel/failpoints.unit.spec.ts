import { expect } from 'chai';
import { failpoint, setFailpoint, setFailpointFromText } from './failpoints.ts';

describe('failpoints', () => {
  it('do nothing unless a test has set them', () => {
    expect(failpoint('append.before')).to.equal(undefined);
  });

  it('run what was set for their name, until it is taken away', async () => {
    const ran: string[] = [];
    const takeAway = setFailpoint('append.before', () => void ran.push('before'));
    const other = setFailpoint('append.after', () => Promise.reject(new Error('scripted')));
    await failpoint('append.before');
    await failpoint('outside.after');
    let thrown: unknown;
    try {
      await failpoint('append.after');
    } catch (error) {
      thrown = error;
    }
    expect(thrown).to.be.instanceOf(Error);
    takeAway();
    other();
    await failpoint('append.before');
    await failpoint('append.after');
    expect(ran).to.deep.equal(['before']);
  });

  for (const text of [
    '',
    'append.after',
    'append.after:exit',
    'append.after:exit@',
    'append.after:exit@x',
    'append.after:die@1',
    'x:exit@1; y',
  ]) {
    it(`refuse the text ${JSON.stringify(text)}`, () => {
      expect(() => setFailpointFromText(text)).to.throw(Error, '<name>:exit@<count>');
    });
  }
});
