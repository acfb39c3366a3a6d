/** The bench's command line: its options, their limits, and the messages for mistakes. */
import { parseArgs } from 'node:util';

export interface RunOptions {
  readonly kind: 'run';
  readonly scenario: string;
  /** Each replaces the scenario's value. */
  readonly changes: Changes;
  /** Of each side. */
  readonly workers: number;
  /** A folder, as typed. */
  readonly report?: string;
  /** As typed. */
  readonly jsonFile?: string;
  /** A folder, as typed. */
  readonly profile?: string;
}

export interface Changes {
  /** Of each measured phase. */
  readonly seconds?: number;
  readonly rounds?: number;
  /** Requests at once, in closed loops. */
  readonly inFlight?: number;
  /** Arrivals a second, in open loops. */
  readonly rate?: number;
  readonly openHolds?: number;
  /** No peer beside Holdfast. */
  readonly alone?: true;
  readonly relay?: 'stream';
}

export type ParsedOptions =
  | RunOptions
  | { readonly kind: 'list' }
  | { readonly kind: 'compare'; readonly files: readonly [string, string] }
  | { readonly kind: 'help' }
  | { readonly kind: 'invalid'; readonly problem: string };

const NUMBERS = {
  seconds: { min: 1, max: 86_400 },
  rounds: { min: 1, max: 25 },
  'in-flight': { min: 1, max: 2_000 },
  rate: { min: 1, max: 100_000 },
  'open-holds': { min: 0, max: 1_000_000 },
  workers: { min: 1, max: 16 },
} as const;
const WORKERS = 2;

export const HELP = `Usage: npm run bench -- SCENARIO [options]
       npm run bench -- list
       npm run bench -- compare A.json B.json

Measures Holdfast, and where the scenario says so services that do the same in other ways, in one run on the same
PostgreSQL, in turn. Uses the server of DATABASE_URL, where it makes and drops databases of its own; without one it
starts an embedded PostgreSQL below DATA_DIR. "list" shows the scenarios; "compare" tells whether two runs differ.

  --quick          the scenario "quick": complete orders a second, beside plain SQL, in under two minutes
  --seconds N      length of each measured phase
  --rounds N       rounds of each side
  --in-flight N    requests at once, in closed loops
  --rate N         arrivals a second, in open loops
  --open-holds N   holds that are open when measuring begins
  --alone          without the services that the scenario compares with
  --workers N      worker processes of each side (${WORKERS})
  --relay          Holdfast publishes its events to the RabbitMQ of AMQP_URL meanwhile, where a stream takes them
  --report FOLDER  writes report.html, report.json, series.csv, latencies.hlog and summary.md there
  --profile FOLDER writes a flame graph, and the CPU of an order by its parts, of Holdfast's processes there
  --json FILE      writes the whole result as JSON
  --help           this

Exit code 0 only for a run whose every answer was as promised, and whose audit found nothing.`;

const DEFINITIONS = {
  quick: { type: 'boolean' },
  alone: { type: 'boolean' },
  relay: { type: 'boolean' },
  help: { type: 'boolean' },
  seconds: { type: 'string' },
  rounds: { type: 'string' },
  'in-flight': { type: 'string' },
  rate: { type: 'string' },
  'open-holds': { type: 'string' },
  workers: { type: 'string' },
  report: { type: 'string' },
  json: { type: 'string' },
  profile: { type: 'string' },
} as const;

export function parseOptions(args: readonly string[]): ParsedOptions {
  try {
    return parse(args);
  } catch (error) {
    return { kind: 'invalid', problem: error instanceof Error ? error.message : String(error) };
  }
}

function parse(args: readonly string[]): ParsedOptions {
  const { values, positionals } = parseArgs({ args: [...args], options: DEFINITIONS, allowPositionals: true });
  if (values.help === true) return { kind: 'help' };
  const [word, ...rest] = positionals;
  if (word === 'compare') {
    const [a, b] = rest;
    if (a === undefined || b === undefined || rest.length > 2) throw new Error('compare needs two files of --json');
    return { kind: 'compare', files: [a, b] };
  }
  if (rest.length > 0) throw new Error(`${rest[0]}: one scenario at a time`);
  if (word === 'list') return { kind: 'list' };
  if (word !== undefined && values.quick === true) throw new Error(`say --quick or ${word}, not both`);
  const scenario = values.quick === true ? 'quick' : word;
  if (scenario === undefined) throw new Error('say which scenario: --quick, or one of "npm run bench -- list"');
  for (const name of ['report', 'json', 'profile'] as const)
    if (values[name] === '') throw new Error(`--${name} needs a name`);
  const number = (name: keyof typeof NUMBERS): number | undefined => {
    const text = values[name];
    if (text === undefined) return undefined;
    const { min, max } = NUMBERS[name];
    const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
    if (value >= min && value <= max) return value;
    throw new Error(`--${name} ${JSON.stringify(text)} is not a whole number from ${min} to ${max}`);
  };
  const changes = {
    seconds: number('seconds'),
    rounds: number('rounds'),
    inFlight: number('in-flight'),
    rate: number('rate'),
    openHolds: number('open-holds'),
    alone: values.alone,
    relay: values.relay === true ? ('stream' as const) : undefined,
  };
  return {
    kind: 'run',
    scenario,
    changes: Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined)),
    workers: number('workers') ?? WORKERS,
    ...(values.report !== undefined && { report: values.report }),
    ...(values.json !== undefined && { jsonFile: values.json }),
    ...(values.profile !== undefined && { profile: values.profile }),
  };
}
