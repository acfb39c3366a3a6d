/** The report as Markdown, for a pull request about a change's speed. */
import { headlineOf } from './headline.ts';
import { environmentTables, resultTables, type ReportTable } from './report-tables.ts';
import type { ScenarioReport } from './scenario-report.ts';

export function markdownReport(report: ScenarioReport): string {
  const blocks = [
    `## Bench: ${escaped(report.scenario)}`,
    escaped(report.about),
    headlineBlock(report),
    ...resultTables(report).map(tableBlock),
    `### Environment`,
    [`- Started ${escaped(report.startedAt)}`, ...environmentTables(report).map(factLine)].join('\n'),
  ];
  return `${blocks.join('\n\n')}\n`;
}

function headlineBlock(report: ScenarioReport): string {
  const headline = headlineOf(report);
  if (headline.kind === 'none') {
    return ['> [!CAUTION]', '> **No figure:**', ...headline.reasons.map((reason) => `> - ${escaped(reason)}`)].join(
      '\n',
    );
  }
  return [`**${escaped(headline.figure)}**`, ...headline.comparisons.map((line) => `- ${escaped(line)}`)].join('\n');
}

/** Padded, because it is also read on a terminal. */
export function tableBlock({ title, note, header, rows, wordColumns }: ReportTable): string {
  const lines = [header, ...rows].map((cells) => cells.map(escaped));
  const widths = header.map((_, column) => Math.max(3, ...lines.map((cells) => cells[column]!.length)));
  const [head, ...body] = lines.map((cells) =>
    cells.map((cell, column) => (column < wordColumns ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))),
  );
  const rule = widths.map((width, column) => (column < wordColumns ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  const table = [head!, rule, ...body].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  return [`### ${title}`, ...(note === undefined ? [] : [note]), table].join('\n\n');
}

function factLine({ title, rows }: ReportTable): string {
  return `- ${title}: ${rows.map((fact) => fact.map(escaped).join(' ')).join(', ')}`;
}

/** Texts of services and machines must not become markup, or end a cell or a line. */
function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll(/[\\`*[\]|~]/g, '\\$&')
    .replaceAll(/\s+/g, ' ');
}
