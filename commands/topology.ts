/** `npm run -s topology`: the exchanges, queues and bindings on the broker. Makes what is missing, or compares. */
import { loadConfig } from '../config/config.ts';
import { messageOf } from '../kernel/errors.ts';
import {
  applyTopology,
  compareBindings,
  diffTopology,
  verifyTopology,
  type Finding,
} from '../messaging/rabbitmq/declare-topology.ts';
import { BindingsUnseen, managementUrlOf, readBindings } from '../messaging/rabbitmq/management-api.ts';
import { moveClaim } from '../messaging/rabbitmq/deployment-claim.ts';
import { ordersTopology } from '../messaging/rabbitmq/topology.ts';
import { withClient } from '../persistence/postgres/connection.ts';
import { readDeployment } from '../persistence/postgres/incarnations.ts';
import { withBroker } from './support/broker.ts';
import {
  CommandError,
  EXIT_BAD_VERDICT,
  EXIT_OK,
  HELP_OPTION,
  parseCommandLine,
  runCommand,
  UsageError,
} from './support/command-line.ts';
import { readNodeRecord } from './support/node-record.ts';
import { openReportFile } from './support/report-file.ts';
import { table } from './support/text.ts';

const USAGE = `Usage: npm run -s topology -- apply [--json FILE]
       npm run -s topology -- verify [--management URL | --without-bindings] [--json FILE]
       npm run -s topology -- diff [--management URL | --without-bindings] [--json FILE]
       npm run -s topology -- take-over --from DEPLOYMENT

The exchanges, queues and bindings that Holdfast needs on the RabbitMQ server of AMQP_URL. A node applies them when it connects.

  apply     makes what is missing; binds the queues
  verify    looks at each exchange, queue and binding; changes nothing
  diff      as verify, but shows only what is not as it should be
  take-over gives the virtual host to the deployment of this database, for good. A virtual host belongs to the first
            deployment that uses it; say with --from which one that is, and stop its nodes before

An exchange or queue that stands there with another type or other arguments is named and never changed or deleted: it
may hold messages. Empty it, delete it, and apply again.

Bindings can't be seen over AMQP. They are read from RabbitMQ's management API, with the user of AMQP_URL:

  --management URL     where it is; by default on port 15672 of the broker
  --without-bindings   doesn't look at them (apply makes them again, wherever they are missing)

Whose the virtual host should be is read from the database of DATABASE_URL, or of the node that runs on DATA_DIR;
without either it is not looked at.

Exit code 0: all is as it should be. 1: something is missing or different. 2: it could not be found out.
`;

const EXIT_IMPOSSIBLE = 2;
const OPTIONS = {
  ...HELP_OPTION,
  json: { type: 'string' },
  from: { type: 'string' },
  management: { type: 'string' },
  'without-bindings': { type: 'boolean' },
} as const;
const ACTIONS = { apply: applyTopology, verify: verifyTopology, diff: diffTopology } as const;

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommandLine(args, OPTIONS, 1);
  if (values.help) {
    process.stdout.write(USAGE);
    return EXIT_OK;
  }
  const [action] = positionals;
  const { from } = values;
  if (action === 'take-over') {
    if (from === undefined) throw new UsageError('say with --from which deployment the virtual host belongs to');
    return takeOver(from);
  }
  if (from !== undefined) throw new UsageError('--from is for take-over');
  if (action !== 'apply' && action !== 'verify' && action !== 'diff')
    throw new UsageError('say apply, verify, diff or take-over');
  const reportFile = await openReportFile(values.json);
  const config = loadConfig();
  const deploymentId = await ownDeployment();
  const topology = ordersTopology(deploymentId === undefined ? {} : { deploymentId });
  const parts = await withBroker(config, 'holdfast/topology', async (connection) => {
    try {
      return await ACTIONS[action](connection, topology);
    } catch (error) {
      throw new CommandError(`RabbitMQ does not answer as it should: ${messageOf(error)}`, { cause: error });
    }
  });
  const bindings =
    action === 'apply' || values['without-bindings'] ? [] : await bindingsOn(config.amqpUrl!, values.management);
  const findings = [...parts, ...bindings.filter(({ state }) => action === 'verify' || state !== 'present')];
  const wrong = findings.filter(({ state }) => state === 'missing' || state === 'different');
  if (findings.length > 0) process.stdout.write(`${table(findings.map(rowOf))}\n`);
  process.stdout.write(wrong.length === 0 ? 'All is as it should be.\n' : `${wrong.length} not as it should be.\n`);
  await reportFile.write(findings);
  return wrong.length === 0 ? EXIT_OK : EXIT_BAD_VERDICT;
}

async function bindingsOn(amqpUrl: string, management = managementUrlOf(amqpUrl)): Promise<readonly Finding[]> {
  if (!URL.canParse(management))
    throw new UsageError(`--management ${management} is no URL, such as http://host:15672`);
  try {
    return compareBindings(ordersTopology(), await readBindings(amqpUrl, management));
  } catch (error) {
    if (!(error instanceof BindingsUnseen)) throw error;
    throw new CommandError(
      `Bindings can't be seen: ${error.message}. Give --management URL, or --without-bindings to leave them out.`,
      { cause: error },
    );
  }
}

async function takeOver(from: string): Promise<number> {
  const to = await ownDeployment();
  if (to === undefined) throw new CommandError('There is no database to take it over for: set DATABASE_URL.');
  await withBroker(loadConfig(), 'holdfast/topology', (connection) =>
    moveClaim(connection, from, to).catch((error: unknown) => {
      throw new CommandError(messageOf(error), { cause: error });
    }),
  );
  process.stdout.write(`The virtual host belongs to deployment ${to} now. Its nodes notice within seconds.\n`);
  return EXIT_OK;
}

/** The database's deployment; undefined where there is no database, or none was ever started. */
async function ownDeployment(): Promise<string | undefined> {
  const config = loadConfig();
  const url = config.databaseUrl ?? (await readNodeRecord(config.dataDir))?.databaseUrl;
  if (url === undefined) return undefined;
  try {
    return (await withClient(url, 'holdfast/topology', readDeployment)).id;
  } catch (error) {
    throw new CommandError(`The database can't say which deployment it is: ${messageOf(error)}.`, { cause: error });
  }
}

function rowOf({ kind, name, state, detail }: Finding): readonly string[] {
  return [state, kind, name, detail ?? ''];
}

process.exitCode = await runCommand({ name: 'topology', usage: USAGE, exitWhenImpossible: EXIT_IMPOSSIBLE }, () =>
  main(process.argv.slice(2)),
);
