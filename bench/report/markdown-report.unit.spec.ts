import { expect } from 'chai';
import {
  sampleOperation,
  samplePhase,
  sampleScenarioReport,
  sampleSide,
} from '../../test/support/sample-scenario-report.ts';
import { markdownReport } from './markdown-report.ts';

const withError = (message: string) => {
  const phases = [samplePhase({ operations: [sampleOperation({ errors: [{ message, count: 1 }] })] })];
  return sampleScenarioReport({ sides: [sampleSide({ rounds: [{ phases, series: [], marks: [] }] })] });
};

describe('markdownReport', () => {
  it('says the figure, the ratio and the environment', () => {
    const lines = markdownReport(sampleScenarioReport()).split('\n');
    expect(lines).to.include.members([
      '## Bench: steady',
      '**1,505 verified orders/s**',
      '- 1.50 times plain SQL (single rounds: 1.40 to 1.60)',
      '- PostgreSQL: version 18.4 (embedded), fsync on, synchronous_commit on',
    ]);
  });

  it('says why there is no figure, and no figure', () => {
    const markdown = markdownReport(sampleScenarioReport({ invalid: ['12 arrivals were dropped'] }));
    expect(markdown).to.include('> **No figure:**\n> - 12 arrivals were dropped\n');
    expect(markdown).to.not.match(/verified orders|times plain SQL/);
  });

  it('makes tables whose rows all have the same columns, figures to the right', () => {
    const table = /### Complete orders a second\n\n.*\n\n((?:\|.*\n)+)/.exec(
      markdownReport(sampleScenarioReport()),
    )![1]!;
    const cells = table
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' | '));
    expect(new Set(cells.map((row) => row.length))).to.deep.equal(new Set([8]));
    expect(cells[1]!.map((rule) => rule.includes(':'))).to.deep.equal([false, false, ...Array<boolean>(6).fill(true)]);
  });

  it('lets no text of a service end its cell, its line or become markup', () => {
    const markdown = markdownReport(withError('a | b\n| c <img src=x> `code` [link](http://x) *d* \\| &amp;'));
    const row = markdown.split('\n').find((line) => line.includes('a \\|'));
    expect(row).to.match(/^\| Holdfast .* 1 \|$/);
    expect(row).to.include('a \\| b \\| c &lt;img src=x> \\`code\\` \\[link\\](http://x) \\*d\\* \\\\\\| &amp;amp;');
  });
});
