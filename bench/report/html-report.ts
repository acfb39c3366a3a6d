/**
 * The report as a web page: one file that loads nothing, not even from its own folder; its policy forbids it. All
 * content of the report is text in it, never markup.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { escaped, htmlPage, scriptData } from './html-page.ts';
import { headlineOf, type Headline } from './headline.ts';
import { PAGE_SCRIPT } from './page-script.ts';
import { PAGE_STYLE } from './page-style.ts';
import { reportPlots } from './report-plots.ts';
import { environmentTables, resultTables, type ReportTable } from './report-tables.ts';
import type { ScenarioReport } from './scenario-report.ts';

/** @throws where the package uplot is not installed */
export function htmlReport(report: ScenarioReport): string {
  const plots = reportPlots(report);
  const firstSideRounds = report.sides[0]?.rounds.length ?? 0;
  const choices = plots.map(
    ({ name }, index) =>
      `<option value="${index}"${index === firstSideRounds - 1 ? ' selected' : ''}>${escaped(name)}</option>`,
  );
  const title = `${report.scenario}: bench of Holdfast`;
  const style = `${uPlotFile('uPlot.min.css')}${PAGE_STYLE}`;
  return htmlPage(
    title,
    style,
    `<h1>${escaped(report.scenario)}</h1>
<p>${escaped(report.about)}</p>
<p class="muted">Started ${escaped(report.startedAt)}</p>
${headlineElement(headlineOf(report))}
${resultTables(report).map(tableSection).join('\n')}
<section>
<h2>Plots</h2>
<p><label>Shown: <select id="round" autocomplete="off">${choices.join('')}</select></label></p>
<p class="muted">Shaded: warm-up. Drag to enlarge, double-click to go back, click a name to hide its line.</p>
<noscript><p>The plots need JavaScript.</p></noscript>
<ul id="marks"></ul>
<div id="plots"></div>
</section>
<section>
<h2>Environment</h2>
<div class="facts">${environmentTables(report).map(factsElement).join('\n')}</div>
</section>
<footer class="muted">Plots by uPlot (MIT licence, copyright Leon Sorokin).</footer>
<script type="application/json" id="plot-data">${scriptData(plots)}</script>
<script>${uPlotFile('uPlot.iife.min.js')}</script>
<script>${PAGE_SCRIPT}</script>`,
  );
}

function headlineElement(headline: Headline): string {
  if (headline.kind === 'none') {
    return `<div class="no-figure" role="alert"><strong>No figure</strong>${list(headline.reasons)}</div>`;
  }
  const comparisons = headline.comparisons.map((comparison) => `<p>${escaped(comparison)}</p>`);
  return `<div class="headline"><strong>${escaped(headline.figure)}</strong>${comparisons.join('')}</div>`;
}

function list(items: readonly string[]): string {
  return `<ul>${items.map((item) => `<li>${escaped(item)}</li>`).join('')}</ul>`;
}

function tableSection(table: ReportTable): string {
  const note = table.note === undefined ? '' : `<p class="muted">${escaped(table.note)}</p>`;
  const element = tableElement(table, table.header);
  return `<section><h2>${escaped(table.title)}</h2>${note}<div class="wide">${element}</div></section>`;
}

function factsElement(table: ReportTable): string {
  return `<div class="wide"><h3>${escaped(table.title)}</h3>${tableElement(table)}</div>`;
}

function tableElement({ rows, wordColumns }: ReportTable, header?: readonly string[]): string {
  const row = (cells: readonly string[], tag: 'th' | 'td') => {
    const elements = cells.map(
      (cell, column) => `<${tag}${column < wordColumns ? '' : ' class="figure"'}>${escaped(cell)}</${tag}>`,
    );
    return `<tr>${elements.join('')}</tr>`;
  };
  const head = header === undefined ? '' : `<thead>${row(header, 'th')}</thead>`;
  return `<table>${head}<tbody>${rows.map((cells) => row(cells, 'td')).join('')}</tbody></table>`;
}

function uPlotFile(name: string): string {
  return readFileSync(createRequire(import.meta.url).resolve(`uplot/dist/${name}`), 'utf8');
}
