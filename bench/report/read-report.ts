/** Reads a report's file, and refuses one of another program or version. */
import { z } from 'zod';
import type { ScenarioReport } from './scenario-report.ts';

const PROBLEMS_TOLD_MAX = 3;

const facts = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));

const operation = z.looseObject({
  name: z.string(),
  answered: z.number(),
  refused: z.number(),
  errors: z.array(z.looseObject({ message: z.string(), count: z.number() })),
  latency: z.looseObject({ p50Ms: z.number(), p95Ms: z.number(), p99Ms: z.number(), maxMs: z.number() }).optional(),
  hdr: z.string(),
});

const phase = z.looseObject({
  name: z.string(),
  measured: z.boolean(),
  from: z.number(),
  seconds: z.number(),
  dropped: z.number(),
  orders: z.number(),
  ordersPerSecond: z.number(),
  linesPerSecond: z.number(),
  operations: z.array(operation),
});

const verdict = z.discriminatedUnion('kind', [
  z.looseObject({ kind: z.literal('clean'), by: z.string() }),
  z.looseObject({ kind: z.literal('violated'), problems: z.array(z.string()) }),
  z.looseObject({ kind: z.literal('unchecked'), reason: z.string() }),
]);

const side = z.looseObject({
  name: z.string(),
  id: z.string(),
  rounds: z.array(
    z.looseObject({
      phases: z.array(phase),
      series: z.array(z.looseObject({ at: z.number() })),
      marks: z.array(z.looseObject({ at: z.number(), text: z.string() })),
    }),
  ),
  verdict,
});

/** Shallow: deep enough to recognise a report, and to compare two. */
const scenarioReport = z.looseObject({
  scenario: z.string(),
  about: z.string(),
  startedAt: z.iso.datetime(),
  settings: facts,
  machine: facts,
  database: z.looseObject({ version: z.string(), isEmbedded: z.boolean(), settings: facts }),
  sides: z.array(side),
  comparisons: z.array(z.looseObject({ peer: z.string() })),
  invalid: z.array(z.string()),
});

/** @throws Error that names `file` and says what is wrong with it */
export function readReport(text: string, file: string): ScenarioReport {
  const parsed = scenarioReport.safeParse(parseJson(text, file));
  if (parsed.success) return parsed.data as unknown as ScenarioReport;
  const problems = parsed.error.issues
    .slice(0, PROBLEMS_TOLD_MAX)
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`));
  throw new Error(`${file} is not a report of bench (--json): ${problems.join('; ')}`);
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${file} is not JSON: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
