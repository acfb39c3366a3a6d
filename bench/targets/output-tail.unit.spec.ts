import { expect } from 'chai';
import { OutputTail } from './output-tail.ts';

describe('OutputTail', () => {
  it('keeps the last thirty lines, in order', () => {
    const tail = new OutputTail();
    for (let line = 1; line <= 100; line++) tail.append(`line ${line}\n`);
    const lines = tail.toString().split('\n');
    expect(lines).to.have.length(30);
    expect([lines[0], lines[29]]).to.deep.equal(['line 71', 'line 100']);
  });

  it('puts together lines that came in pieces, and shows one that has no end yet', () => {
    const tail = new OutputTail();
    tail.append('first ');
    tail.append('line\n\nsecond');
    expect(tail.toString()).to.equal('first line\nsecond');
  });

  it('cuts a line of any length', () => {
    const tail = new OutputTail();
    for (let piece = 0; piece < 100; piece++) tail.append('x'.repeat(1000));
    expect(tail.toString().length).to.be.at.most(2000);
  });

  it('says so where nothing was written', () => {
    expect(new OutputTail().toString()).to.equal('(it wrote nothing)');
  });
});
