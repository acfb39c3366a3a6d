/** Writes the folder of a profiled run: the samples, a flame graph, and the budget of an order's CPU. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { rootDir } from '../host/program-file.ts';
import { measuredPhases, medianOfKnown } from '../report/measured-phases.ts';
import { formatCount } from '../report/format-figures.ts';
import { tableBlock } from '../report/markdown-report.ts';
import type { PhaseCpu, RoundResult, ScenarioReport } from '../report/scenario-report.ts';
import { sum } from '../statistics.ts';
import { budgetOf, type BudgetPart } from './budget.ts';
import { CallTree, type CpuProfile, type TimeWindow } from './call-tree.ts';
import { flameGraph } from './flame-graph.ts';

const SAMPLES = 'cpu-profiles';

/** Makes room for the samples of a run. @returns where processes are to write them. */
export async function openProfile(folder: string): Promise<string> {
  const samples = path.join(folder, SAMPLES);
  await rm(samples, { recursive: true, force: true });
  await mkdir(samples, { recursive: true });
  return samples;
}

/** To call once the profiled processes have ended. @returns the budget as Markdown */
export async function writeProfile(folder: string, report: ScenarioReport): Promise<string> {
  const [side] = report.sides;
  const tree = new CallTree(pathToFileURL(rootDir).href);
  const windows = side!.rounds.flatMap(measuredWindows);
  for (const file of await readdir(path.join(folder, SAMPLES))) {
    const text = await readFile(path.join(folder, SAMPLES, file), 'utf8');
    tree.add(JSON.parse(text) as CpuProfile, windows);
  }
  const cpu = measuredPhases(side!).flatMap(({ rounds }) => rounds.map((phase) => phase.cpu));
  const budget = budgetMarkdown(budgetOf(tree.root), (part) => medianOfKnown(cpu.map((each) => each && part(each))));
  await writeFile(path.join(folder, 'flame-graph.html'), flameGraph(tree.root, `${report.scenario}: Holdfast’s CPU`));
  await writeFile(path.join(folder, 'budget.md'), budget);
  return budget;
}

function measuredWindows({ startedUs = 0, phases }: RoundResult): TimeWindow[] {
  return phases
    .filter(({ measured }) => measured)
    .map(({ from, seconds }) => {
      const begin = startedUs + from * 1e6;
      return { from: begin, to: begin + seconds * 1e6 };
    });
}

function budgetMarkdown(
  parts: readonly BudgetPart[],
  median: (part: (cpu: PhaseCpu) => number | undefined) => number | undefined,
): string {
  const node = median(({ primary, workers }) => primary + sum(workers));
  const others: [string, number | undefined][] = [
    ['PostgreSQL', median(({ postgres }) => postgres)],
    ['RabbitMQ', median(({ broker }) => broker)],
    ['the load', median(({ load }) => load)],
  ];
  const known = others.filter(([, us]) => us !== undefined);
  const total = sum([node ?? 0, ...known.map(([, us]) => us!)]);
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  const rows = [
    ...parts.map(({ part, share }) => [part, percent(share), formatCount(node && node * share)]),
    ...known.map(([name, us]) => [name, '', formatCount(us)]),
    ['all', '', formatCount(total)],
  ];
  const title = 'CPU of an order by its parts';
  const note = 'Microseconds, while profiled: sampling costs a part of them.';
  const header = ['part', 'of the node', 'an order'];
  return `${tableBlock({ title, note, header, rows, wordColumns: 1 })}\n`;
}
