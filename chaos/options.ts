/** The command line of the fault kit: its options and their limits. */
import { HELP_OPTION, numberOption, parseCommandLine, wholeNumberOption } from '../commands/support/command-line.ts';
import { SEED_MAX } from './random.ts';

export interface ChaosOptions {
  readonly seed: number;
  readonly minutes: number;
  readonly nodes: number;
  /** Of each node. */
  readonly workers: number;
  /** New orders a second, over all nodes. */
  readonly rate: number;
  /** Nodes talk through a RabbitMQ of the run's own, each as if it were on a machine of its own. */
  readonly broker: boolean;
  /** Where the nodes' logs are kept; absent: nowhere. */
  readonly logFolder?: string;
  /** As typed. */
  readonly jsonFile?: string;
}

export const USAGE = `Usage: npm run chaos -- [--seed N] [--minutes M] [--nodes N] [--workers W] [--rate R] [--no-broker]
                                [--logs FOLDER] [--json FILE]

Drives orders through real nodes on a PostgreSQL and a RabbitMQ of its own while their processes, both servers and the
network between them are killed, frozen and cut. Then it heals everything and proves that no acknowledged order was
lost, none that failed is there, nothing was sold or charged twice, every order settled, every public event was heard
in order, and that a node which was cut off from the broker served or handed over within 5 s.

  --seed N      the faults and the load come from it; random if left out, and printed
  --minutes M   how long faults are injected; 2 if left out, fractions allowed
  --nodes N     1 or 2 nodes on one database; 2 if left out
  --workers W   worker processes of each node; 2 if left out
  --rate R      new orders a second; 60 if left out
  --no-broker   without RabbitMQ and its faults; nodes talk over sockets
  --logs FOLDER keeps what the nodes log, a file each
  --json FILE   writes the whole result as JSON as well
  --help        this text

Exit code 0: nothing was violated. 1: something was; the first offenders are named. 3: the run could not be made.
`;

const MINUTES_MIN = 0.05;
const MINUTES_MAX = 24 * 60;

/** @throws UsageError. Undefined where help is asked for. `randomSeed` serves where none is given. */
export function parseOptions(args: readonly string[], randomSeed: () => number): ChaosOptions | undefined {
  const { values } = parseCommandLine(args, DEFINITIONS, 0);
  if (values.help) return undefined;
  return {
    seed: values.seed === undefined ? randomSeed() : wholeNumberOption('seed', values.seed, 0, SEED_MAX),
    minutes: numberOption('minutes', values.minutes, MINUTES_MIN, MINUTES_MAX),
    nodes: wholeNumberOption('nodes', values.nodes, 1, 2),
    workers: wholeNumberOption('workers', values.workers, 1, 16),
    rate: wholeNumberOption('rate', values.rate, 1, 2_000),
    broker: !values['no-broker'],
    ...(values.logs === undefined ? {} : { logFolder: values.logs }),
    ...(values.json === undefined ? {} : { jsonFile: values.json }),
  };
}

const DEFINITIONS = {
  ...HELP_OPTION,
  seed: { type: 'string' },
  minutes: { type: 'string', default: '2' },
  nodes: { type: 'string', default: '2' },
  workers: { type: 'string', default: '2' },
  rate: { type: 'string', default: '60' },
  'no-broker': { type: 'boolean', default: false },
  logs: { type: 'string' },
  json: { type: 'string' },
} as const;
