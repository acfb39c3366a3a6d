/**
 * `npm run -s replay -- <csv>`: sends a file of real orders through the node's HTTP edge and reconciles the database with
 * the file. Resumable: orders that were placed before are recognised.
 */
import { callerPath } from '../config/caller-path.ts';
import { loadConfig } from '../config/config.ts';
import { systemClock } from '../kernel/clock.ts';
import { readExpectedTotals } from './replay/expected-totals.ts';
import { NodeClient } from './replay/node-client.ts';
import { openingStock } from './replay/opening-stock.ts';
import { replayFile, type ReplayInput } from './replay/replay-file.ts';
import { replayText, reportOf } from './replay/replay-report.ts';
import { readRetailFile } from './replay/retail-file.ts';
import { adminToken } from './support/admin-token.ts';
import {
  CommandError,
  EXIT_BAD_VERDICT,
  EXIT_OK,
  HELP_OPTION,
  numberOption,
  parseCommandLine,
  runCommand,
  UsageError,
  wholeNumberOption,
} from './support/command-line.ts';
import { Progress } from './support/progress.ts';
import { openReportFile } from './support/report-file.ts';
import { findOrStartNode, type RunningNode } from './support/running-node.ts';

const USAGE = `Usage: npm run -s replay -- FILE.csv [options]

Sends the orders of a retail file (InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, CustomerID,
Country; commas, semicolons or tabs; times as 2010-12-01 08:26:00 or 12/1/10 8:26) through the node, waits until they have settled, and reconciles the order view, the stock view and the journal
with the file, and with FILE.expected.json where that lies beside it. Run it again to resume: an invoice that was placed
is recognised by its number. Returns (invoices that begin with C) are counted, not sent.

  --rate N              at most N orders a second; as fast as the node takes them if left out
  --concurrency N       N orders at a time, 1 to 5000; 64 if left out. 1: each settles before the next is sent
  --stock STOCK.csv     opening stock (productId,onHand); what it does not name gets exactly what the orders want, as
                        everything does without it. It comes beside what other orders hold, once for a file: a
                        second run does not set it again
  --url URL             the node, if not the one that runs with these settings; where none runs, one is started
  --token-file FILE     a token with the role admin, where an identity provider signs them
  --give-up-seconds N   ends when nothing got through for N seconds; 30 if left out
  --json FILE           writes the verdict as JSON as well
  --help                this text

Exit code 0: all is right. 1: something is wrong, or the replay could not be finished. 2: the arguments are wrong.
`;

const OPTIONS = {
  ...HELP_OPTION,
  rate: { type: 'string' },
  concurrency: { type: 'string', default: '64' },
  stock: { type: 'string' },
  url: { type: 'string' },
  'token-file': { type: 'string' },
  'give-up-seconds': { type: 'string', default: '30' },
  json: { type: 'string' },
} as const;

const CONCURRENCY_MAX = 5_000;
const RATE_MAX = 1_000_000;
const GIVE_UP_SECONDS_MAX = 86_400;
const SUBJECT = 'replay';

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommandLine(args, OPTIONS, 1);
  if (values.help) {
    process.stdout.write(USAGE);
    return EXIT_OK;
  }
  const [csv] = positionals;
  if (csv === undefined) throw new UsageError('the CSV file is missing');
  if (values.url !== undefined && !/^https?:\/\/[^/]/.test(values.url))
    throw new UsageError(`--url "${values.url}" is no http:// address`);
  const concurrency = wholeNumberOption('concurrency', values.concurrency, 1, CONCURRENCY_MAX);
  const ratePerSecond = values.rate === undefined ? undefined : numberOption('rate', values.rate, 0.001, RATE_MAX);
  const giveUpSeconds = numberOption('give-up-seconds', values['give-up-seconds'], 1, GIVE_UP_SECONDS_MAX);
  const reportFile = await openReportFile(values.json);
  const config = loadConfig();

  const path = callerPath(csv);
  const file = await readRetailFile(path);
  if (file.orders.length === 0)
    throw new CommandError(`${path} holds no order: no invoice number of digits with quantity and price above 0.`);
  const stock = await openingStock(file, values.stock === undefined ? undefined : callerPath(values.stock));
  const input: ReplayInput = {
    file,
    stock,
    expectedTotals: await readExpectedTotals(path),
    concurrency,
    ratePerSecond,
  };

  const progress = new Progress(process.stderr, systemClock);
  const token = await adminToken(config, SUBJECT, values['token-file']);
  const node = await findOrStartNode(config, values.url, (text) => progress.say(text));
  const client = new NodeClient({
    baseUrl: node.baseUrl,
    token,
    connections: concurrency,
    patienceMs: giveUpSeconds * 1000,
    clock: systemClock,
  });
  const interrupt = (): void =>
    client.stop(new CommandError('interrupted. Run the same again to resume: nothing is placed twice.'));
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    const { verdict, figures } = await replayFile(input, {
      client,
      databaseUrl: databaseOf(node),
      progress,
      clock: systemClock,
    });
    const report = reportOf(file, verdict, figures);
    process.stdout.write(replayText(report));
    await reportFile.write(report);
    return verdict.ok ? EXIT_OK : EXIT_BAD_VERDICT;
  } finally {
    await client.close();
    await node.stop();
  }
}

function databaseOf({ baseUrl, databaseUrl }: RunningNode): string {
  if (databaseUrl !== undefined) return databaseUrl;
  throw new CommandError(
    `The database of the node at ${baseUrl} is not known here: set DATABASE_URL, or DATA_DIR, as the node has it.`,
  );
}

process.exitCode = await runCommand({ name: 'replay', usage: USAGE, exitWhenImpossible: EXIT_BAD_VERDICT }, () =>
  main(process.argv.slice(2)),
);
