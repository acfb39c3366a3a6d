import { expect } from 'chai';
import { ArrivalSchedule } from './arrivals.ts';

const allBefore = (schedule: ArrivalSchedule, ms: number): number[] => {
  const due: number[] = [];
  for (let at = schedule.takeBefore(ms); at !== undefined; at = schedule.takeBefore(ms)) due.push(at);
  return due;
};

describe('arrival schedule', () => {
  it('is even where it is constant', () => {
    const due = allBefore(new ArrivalSchedule({ kind: 'open', perSecond: 100, spacing: 'constant' }), 1_000);
    expect(due.length).to.be.within(99, 100);
    for (const [index, at] of due.entries()) expect(at).to.be.closeTo((index + 1) * 10, 1e-6);
  });

  it('has exponential gaps where it is Poisson: the mean of the rate, and as much spread as mean', () => {
    const due = allBefore(new ArrivalSchedule({ kind: 'open', perSecond: 1_000, spacing: 'poisson' }), 60_000);
    const gaps = due.map((at, index) => at - (due[index - 1] ?? 0));
    const mean = gaps.reduce((sum, gap) => sum + gap) / gaps.length;
    const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length);
    expect(mean).to.be.closeTo(1, 0.02);
    expect(deviation / mean).to.be.closeTo(1, 0.03);
    expect(Math.min(...gaps)).to.be.at.least(0);
  });

  it('loses no arrival between two looks, and gives none before its time', () => {
    const open = { kind: 'open', perSecond: 500, spacing: 'poisson' } as const;
    const [often, once] = [new ArrivalSchedule(open), new ArrivalSchedule(open)];
    const pieces: number[] = [];
    for (let ms = 7; ms <= 2_100; ms += 7) {
      const due = allBefore(often, ms);
      for (const at of due) expect(at).to.be.within(ms - 7, ms);
      pieces.push(...due);
    }
    expect(pieces).to.deep.equal(allBefore(once, 2_100));
  });
});
