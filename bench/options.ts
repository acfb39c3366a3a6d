/** Owns bench's command line: what can be asked for, within which limits, and what a mistake is answered with. */
import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** Every order for one product, instead of two lines out of a thousand. */
  readonly hot: boolean;
  /** Holds already open on the hot product when measuring begins; 0 without `hot`. */
  readonly openHolds: number;
  readonly seconds: number;
  readonly rounds: number;
  /** Orders in flight. */
  readonly concurrency: number;
  /** Of each side. */
  readonly workers: number;
  /** As typed. */
  readonly jsonFile?: string;
}

export type ParsedOptions =
  | { readonly kind: 'run'; readonly options: BenchOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'invalid'; readonly problem: string };

interface NumberOption {
  readonly default: number;
  readonly min: number;
  readonly max: number;
}

const NUMBERS = {
  seconds: { default: 10, min: 1, max: 600 },
  rounds: { default: 3, min: 1, max: 25 },
  concurrency: { default: 256, min: 1, max: 2000 },
  workers: { default: 2, min: 1, max: 16 },
  'open-holds': { default: 20_000, min: 0, max: 1_000_000 },
} as const satisfies Record<string, NumberOption>;

export const HELP = `Usage: npm run bench -- --quick [options]

Measures complete orders a second (reserved, authorized, confirmed, captured) of Holdfast and of a plain-SQL service,
in one run on the same PostgreSQL, round by round in turn. Uses the server of DATABASE_URL, where it makes and drops
databases of its own; without one it starts an embedded PostgreSQL below DATA_DIR.

  --quick             the form of this run: closed loop, two lines an order, 1,000 products
  --hot               every order for one and the same product
  --open-holds N      with --hot: holds already open on that product (${NUMBERS['open-holds'].default})
  --seconds N         measured in each round, after a warm-up (${NUMBERS.seconds.default})
  --rounds N          rounds of each side (${NUMBERS.rounds.default})
  --concurrency N     orders in flight (${NUMBERS.concurrency.default})
  --workers N         worker processes of each side (${NUMBERS.workers.default})
  --json FILE         writes the whole result as JSON, too
  --help              this

Exit code 0 only for a run in which every order was answered as promised and the audit found nothing.`;

export function parseOptions(args: readonly string[]): ParsedOptions {
  let values: Values;
  try {
    values = parseArgs({ args: [...args], options: DEFINITIONS, allowPositionals: false }).values;
  } catch (error) {
    return { kind: 'invalid', problem: error instanceof Error ? error.message : String(error) };
  }
  if (values.help === true) return { kind: 'help' };
  return toOptions(values);
}

const DEFINITIONS = {
  quick: { type: 'boolean' },
  hot: { type: 'boolean' },
  seconds: { type: 'string' },
  rounds: { type: 'string' },
  concurrency: { type: 'string' },
  workers: { type: 'string' },
  'open-holds': { type: 'string' },
  json: { type: 'string' },
  help: { type: 'boolean' },
} as const;

type NumberName = keyof typeof NUMBERS;
type Values = Partial<Record<'quick' | 'hot' | 'help', boolean> & Record<NumberName | 'json', string>>;

function toOptions(values: Values): ParsedOptions {
  if (values.quick !== true) return { kind: 'invalid', problem: 'say which measure: --quick' };
  if (values['open-holds'] !== undefined && values.hot !== true) {
    return { kind: 'invalid', problem: '--open-holds needs --hot: only there all orders share one product' };
  }
  if (values.json === '') return { kind: 'invalid', problem: '--json needs the name of a file' };
  const numbers = new Map<NumberName, number>();
  for (const name of Object.keys(NUMBERS) as NumberName[]) {
    const { default: fallback, min, max } = NUMBERS[name];
    const text = values[name] ?? String(fallback);
    const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
    if (!(value >= min && value <= max)) {
      return {
        kind: 'invalid',
        problem: `--${name} ${JSON.stringify(text)} is not a whole number from ${min} to ${max}`,
      };
    }
    numbers.set(name, value);
  }
  const hot = values.hot === true;
  return {
    kind: 'run',
    options: {
      hot,
      openHolds: hot ? numbers.get('open-holds')! : 0,
      seconds: numbers.get('seconds')!,
      rounds: numbers.get('rounds')!,
      concurrency: numbers.get('concurrency')!,
      workers: numbers.get('workers')!,
      ...(values.json === undefined ? {} : { jsonFile: values.json }),
    },
  };
}
