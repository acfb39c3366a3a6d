import { expect } from 'chai';
import { sampleScenarioReport, sampleSide } from '../../test/support/sample-scenario-report.ts';
import { headlineOf, reasonsForNoFigure } from './headline.ts';

const violated = sampleSide({
  name: 'plain SQL',
  id: 'plain_sql',
  verdict: { kind: 'violated', problems: ['one', 'two'] },
});
const { verifiedOrdersPerSecond: _, ...unverified } = sampleSide();

describe('headlineOf', () => {
  it("is Holdfast's verified figure and its ratio to each peer", () => {
    expect(headlineOf(sampleScenarioReport())).to.deep.equal({
      kind: 'figure',
      figure: '1,505 verified orders/s',
      comparisons: ['1.50 times plain SQL (single rounds: 1.40 to 1.60)'],
    });
  });

  it('has no figure beside the reasons why a run is invalid', () => {
    const report = sampleScenarioReport({ invalid: ['12 arrivals were dropped', 'another'] });
    expect(headlineOf(report)).to.deep.equal({ kind: 'none', reasons: ['12 arrivals were dropped', 'another'] });
  });

  it("has no figure where a check found anything, a peer's included", () => {
    const report = sampleScenarioReport({ sides: [sampleSide(), violated] });
    expect(headlineOf(report)).to.deep.equal({ kind: 'none', reasons: ['plain SQL: violated: one; two'] });
  });

  it('has no figure that nothing has verified', () => {
    const side = { ...unverified, verdict: { kind: 'unchecked', reason: 'the audit is not built' } } as const;
    expect(headlineOf(sampleScenarioReport({ sides: [side] }))).to.deep.equal({
      kind: 'none',
      reasons: ['Holdfast: not checked: the audit is not built'],
    });
  });

  it('has no figure of nothing', () => {
    expect(headlineOf(sampleScenarioReport({ sides: [] }))).to.deep.include({ kind: 'none' });
  });
});

describe('reasonsForNoFigure', () => {
  it('says each reason once where the report names what the checks found itself', () => {
    const report = sampleScenarioReport({ sides: [violated], invalid: ['plain SQL: the check found: one; two'] });
    expect(reasonsForNoFigure(report)).to.deep.equal(['plain SQL: the check found: one; two']);
  });
});
