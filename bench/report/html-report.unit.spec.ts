import { Script } from 'node:vm';
import { expect } from 'chai';
import { sampleScenarioReport, sampleSide } from '../../test/support/sample-scenario-report.ts';
import { htmlReport } from './html-report.ts';
import { reportPlots } from './report-plots.ts';
import type { ScenarioReport } from './scenario-report.ts';

/** The report with this text wherever it may say anything. */
function saying(text: string, report: ScenarioReport): ScenarioReport {
  const replace = (key: string, value: unknown): unknown =>
    typeof value === 'string' && !['hdr', 'kind', 'startedAt'].includes(key) ? text : value;
  return JSON.parse(JSON.stringify(report, replace)) as ScenarioReport;
}

const scriptsOf = (html: string, tag: string) =>
  html
    .split(tag)
    .slice(1)
    .map((rest) => rest.slice(0, rest.indexOf('</script>')));
const dataOf = (html: string) => JSON.parse(scriptsOf(html, '<script type="application/json" id="plot-data">')[0]!);

describe('htmlReport', () => {
  const html = htmlReport(sampleScenarioReport());

  it('shows the verified figure and its ratio to each peer', () => {
    expect(html).to.include('<strong>1,505 verified orders/s</strong><p>1.50 times plain SQL');
    expect(html).to.not.include('No figure');
  });

  for (const [what, changes] of Object.entries({
    'an invalid run': { invalid: ['for a good reason'] },
    'a violated check': {
      sides: [sampleSide({ verdict: { kind: 'violated', problems: ['for a good reason'] } })],
    },
  } as const satisfies Record<string, Partial<ScenarioReport>>)) {
    it(`shows the reasons instead of figures for ${what}`, () => {
      const page = htmlReport(sampleScenarioReport(changes));
      expect(page).to.match(/<div class="no-figure" role="alert"><strong>No figure<\/strong>.*for a good reason/);
      expect(page).to.not.match(/verified orders|times plain SQL|class="headline"/);
    });
  }

  it('holds scripts that a browser understands, and loads nothing', () => {
    const scripts = scriptsOf(html, '<script>');
    expect(scripts).to.have.length(2);
    for (const script of scripts) new Script(script);
    expect(html).to.include("default-src 'none'");
    expect(html).to.not.match(/<link|<img|<iframe|<script[^>]* src|@import|url\(/);
  });

  it('gives its script the plots of all rounds, the last of the first side chosen', () => {
    expect(dataOf(html)).to.deep.equal(JSON.parse(JSON.stringify(reportPlots(sampleScenarioReport()))));
    expect(html.match(/<option [^>]*selected[^>]*>[^<]*/g)).to.deep.equal([
      '<option value="1" selected>Holdfast, round 2',
    ]);
  });

  it('takes nothing that the report says for markup', () => {
    const text = `</script><img src=x onerror='a()'>&lt;"$&`;
    const invalid = saying(text, sampleScenarioReport({ invalid: ['x'] }));
    const good = saying(text, sampleScenarioReport());
    for (const page of [htmlReport(invalid), htmlReport(good)]) {
      expect(page).to.not.include('<img');
      expect(page.split('</script>')).to.have.length(4);
      expect(page).to.include('&lt;/script&gt;&lt;img src=x onerror=&#39;a()&#39;&gt;&amp;lt;&quot;$&amp;');
    }
    expect(dataOf(htmlReport(good))[0].marks).to.deep.equal([{ at: 2.5, text }]);
  });
});
