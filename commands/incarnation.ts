/** `npm run -s incarnation`: which deployment a database is, and which of its lives; begins a new one on purpose. */
import { loadConfig } from '../config/config.ts';
import { isInUse } from '../messaging/rabbitmq/mark-queue.ts';
import {
  becomeAnother,
  beginIncarnation,
  checkIdentity,
  goOnInPlace,
  readDeployment,
  type Queries,
} from '../persistence/postgres/incarnations.ts';
import { countLivingMembers } from '../persistence/postgres/ownership-store.ts';
import { withPreparationLock } from '../persistence/postgres/prepare-database.ts';
import { withBroker } from './support/broker.ts';
import {
  EXIT_BAD_VERDICT,
  EXIT_OK,
  HELP_OPTION,
  parseCommandLine,
  runCommand,
  UsageError,
} from './support/command-line.ts';
import { databaseFailure, withDatabase } from './support/database.ts';
import { openReportFile } from './support/report-file.ts';
import { table } from './support/text.ts';

const USAGE = `Usage: npm run -s incarnation -- show [--json FILE]
       npm run -s incarnation -- new [--as-copy] [--json FILE]
       npm run -s incarnation -- resume [--json FILE]

Message ids begin with the tag of an incarnation. A database that was restored, copied or put back needs a new one, or
new events would get the ids of events that it lost. A start finds that by itself and begins one; see docs/runbook.md.

  show    the deployment, and its incarnations
  new     begins an incarnation. --as-copy also makes the database a deployment of its own: for a copy that is to run
          beside the original, with a virtual host of its own
  resume  lets a restored database go on in place of the deployment that it is a copy of: under its id, on its virtual
          host. Only when the original is gone for good

Settings: DATABASE_URL or DATA_DIR; AMQP_URL, so that resume can see whether the original is still at work.
Exit code 0: done. 1: refused, with the reason. 2: it could not be done, or the arguments are wrong.
`;

const EXIT_IMPOSSIBLE = 2;
const OPTIONS = { ...HELP_OPTION, json: { type: 'string' }, 'as-copy': { type: 'boolean' } } as const;

/** The database's state does not allow it. */
class Refused extends Error {}

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommandLine(args, OPTIONS, 1);
  if (values.help) {
    process.stdout.write(USAGE);
    return EXIT_OK;
  }
  const work = workOf(positionals[0], values['as-copy'] === true);
  const reportFile = await openReportFile(values.json);
  return withDatabase(loadConfig(), async (url) => {
    try {
      const deployment = await withPreparationLock(url, 'holdfast/incarnation', async (client) => {
        await work(client);
        return readDeployment(client);
      });
      const { id, copyOf, incarnations } = deployment;
      process.stdout.write(`deployment ${id}${copyOf === undefined ? '' : `, a copy of ${copyOf}`}\n`);
      const rows = incarnations.map(({ number, tag, firstEpoch, beganAtMs, reason }) => [
        String(number),
        tag === '' ? '(none)' : tag,
        `from epoch ${firstEpoch}`,
        new Date(beganAtMs).toISOString(),
        reason,
      ]);
      process.stdout.write(`${table(rows)}\n`);
      await reportFile.write(deployment);
      return EXIT_OK;
    } catch (error) {
      if (!(error instanceof Refused)) throw databaseFailure(error, 'The database does not answer as it should');
      process.stderr.write(`incarnation: ${error.message}\n`);
      return EXIT_BAD_VERDICT;
    }
  });
}

/** Takes the lock that nodes hold while they prepare the database. */
function workOf(action: string | undefined, asCopy: boolean): (client: Queries) => Promise<void> {
  if (asCopy && action !== 'new') throw new UsageError('--as-copy is for new');
  if (action === 'show') return () => Promise.resolve();
  if (action === 'new') {
    return async (client) => {
      await refuseWhileNodesRun(client);
      await begin(client, asCopy);
    };
  }
  if (action === 'resume') return resume;
  throw new UsageError('say show, new or resume');
}

async function begin(client: Queries, asCopy: boolean): Promise<void> {
  const { begun, copyOf } = await checkIdentity(client);
  if (!begun) await beginIncarnation(client, 'npm run incarnation');
  if (asCopy && copyOf === undefined) await becomeAnother(client);
}

async function resume(client: Queries): Promise<void> {
  await refuseWhileNodesRun(client);
  await checkIdentity(client);
  const { copyOf } = await readDeployment(client);
  if (copyOf === undefined) throw new Refused('The database is no copy: there is no other deployment to go on for.');
  const config = loadConfig();
  if (config.amqpUrl !== undefined && (await withBroker(config, 'holdfast/incarnation', isInUse)))
    throw new Refused(
      `Nodes still take commands from the virtual host of AMQP_URL. Stop the nodes of deployment ${copyOf} for good, and try again.`,
    );
  await goOnInPlace(client);
}

/** Their shards belong to the incarnation in which they were taken. */
async function refuseWhileNodesRun(client: Queries): Promise<void> {
  const living = await countLivingMembers(client);
  if (living > 0)
    throw new Refused(`${living} workers run on this database. Stop its nodes, and try again a few seconds later.`);
}

process.exitCode = await runCommand({ name: 'incarnation', usage: USAGE, exitWhenImpossible: EXIT_IMPOSSIBLE }, () =>
  main(process.argv.slice(2)),
);
