import { expect } from 'chai';
import { changed, findScenario, scenarioNames } from './find-scenario.ts';

describe('scenarios', () => {
  it('are found by the names of their files, and each says what it shows', async () => {
    const names = await scenarioNames();
    expect(names).to.include.members(['quick', 'saturation', 'steady', 'growth']).and.not.include('phases');
    for (const name of names) {
      const { about, phases, form } = await findScenario(name);
      expect(about, name).to.match(/^[A-Z].{20,}[.]$/);
      expect(
        phases.some(({ measured }) => measured),
        name,
      ).to.equal(true);
      expect(form.linesPerOrder, name).to.be.at.most(form.products);
    }
  });

  it('that do not exist are refused with those that do', async () => {
    const problem = await findScenario('fast').catch((error: Error) => error.message);
    expect(problem).to.match(/no scenario fast; .*quick.*steady/);
  });

  it('are changed by options: measured phases, not the warm-up', async () => {
    const scenario = changed(await findScenario('quick'), { seconds: 3, inFlight: 7, rounds: 1, alone: true });
    expect(scenario.phases.map(({ length, arrivals }) => [length, arrivals])).to.deep.equal([
      [{ seconds: 5 }, { kind: 'closed', inFlight: 7 }],
      [{ seconds: 3 }, { kind: 'closed', inFlight: 7 }],
    ]);
    expect(scenario.rounds).to.equal(1);
    expect(scenario.peers).to.equal(undefined);
  });

  it('refuse a change that means nothing to them', async () => {
    const [quick, steady] = [await findScenario('quick'), await findScenario('steady')];
    expect(() => changed(quick, { rate: 5 })).to.throw('--rate');
    expect(() => changed(steady, { inFlight: 5 })).to.throw('--in-flight');
    expect(changed(steady, { rate: 5 }).phases.map(({ arrivals }) => arrivals)).to.deep.equal([
      { kind: 'open', perSecond: 5, spacing: 'poisson' },
      { kind: 'open', perSecond: 5, spacing: 'poisson' },
    ]);
  });
});
