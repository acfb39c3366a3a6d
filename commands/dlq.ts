/**
 * `npm run -s dlq`: commands that came by message and were put aside. Lists them, shows one, and sends them back once
 * their fault is mended.
 */
import { systemClock } from '../kernel/clock.ts';
import { loadConfig } from '../config/config.ts';
import { messageOf } from '../kernel/errors.ts';
import { redriveDeadLetters, visitDeadLetters, type DeadLetter } from '../messaging/commands/dead-letters.ts';
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
import { maskedBody } from './support/masked-body.ts';
import { openReportFile } from './support/report-file.ts';
import { shortened } from '../kernel/shortened.ts';
import { table } from './support/text.ts';

const USAGE = `Usage: npm run -s dlq -- list [--json FILE]
       npm run -s dlq -- show ID [--json FILE]
       npm run -s dlq -- redrive ID...
       npm run -s dlq -- redrive --all

Commands that came by RabbitMQ and can't or could not be performed wait in the queue orders.commands.dlq.

  list      id, routing key, reason, attempts, when and detail of each, oldest first (at most 1,000)
  show      headers and body of one; payment tokens and what looks like a card number are masked
  redrive   sends them back to be handled anew; each was there when it began, and is there until it is back

An ID is a message id; a message without one is listed under a name made from its content.

Exit code 0: none is there; shown; or all that were named are sent back. 1: some are there; or some were not found.
2: it could not be found out.
`;

const EXIT_IMPOSSIBLE = 2;
const LISTED_MAX = 1_000;
const NAMED_MAX = 1_000;
const DETAIL_SHOWN_MAX = 100;

type Connection = Parameters<typeof visitDeadLetters>[0];

async function main(args: readonly string[]): Promise<number> {
  const options = { ...HELP_OPTION, json: { type: 'string' }, all: { type: 'boolean', default: false } } as const;
  const { values, positionals } = parseCommandLine(args, options, NAMED_MAX + 1);
  if (values.help) {
    process.stdout.write(USAGE);
    return EXIT_OK;
  }
  const [action, ...ids] = positionals;
  if (values.all && action !== 'redrive') throw new UsageError('--all is for redrive');
  if (values.json !== undefined && action === 'redrive')
    throw new UsageError('redrive has no report: leave --json out');
  if (action === 'list' && ids.length === 0) return withQueue((connection) => list(connection, values.json));
  if (action === 'show' && ids.length === 1) return withQueue((connection) => show(connection, ids[0]!, values.json));
  if (action === 'redrive' && ids.length > 0 !== values.all) {
    return withQueue((connection) => redrive(connection, values.all ? 'all' : new Set(ids)));
  }
  throw new UsageError('say list, show ID, redrive ID... or redrive --all');
}

async function withQueue(work: (connection: Connection) => Promise<number>): Promise<number> {
  return withBroker(loadConfig(), 'holdfast/dlq', async (connection) => {
    try {
      return await work(connection);
    } catch (error) {
      if (error instanceof CommandError) throw error;
      const remedy = 'Look at "npm run -s topology -- verify".';
      throw new CommandError(`The queue can't be worked on: ${messageOf(error)}. ${remedy}`, { cause: error });
    }
  });
}

async function list(connection: Connection, json: string | undefined): Promise<number> {
  const reportFile = await openReportFile(json);
  // Without the bodies: a thousand of them may be a gigabyte.
  const found: Omit<DeadLetter, 'message'>[] = [];
  await visitDeadLetters(connection, ({ message: _, ...letter }) => found.push(letter) < LISTED_MAX);
  if (found.length > 0) process.stdout.write(`${table(found.map(rowOf))}\n`);
  process.stdout.write(found.length === 0 ? 'None is put aside.\n' : `${found.length} put aside.\n`);
  await reportFile.write(found);
  return found.length === 0 ? EXIT_OK : EXIT_BAD_VERDICT;
}

async function show(connection: Connection, id: string, json: string | undefined): Promise<number> {
  const reportFile = await openReportFile(json);
  let found: DeadLetter | undefined;
  await visitDeadLetters(connection, (letter) => {
    if (letter.id === id) found = letter;
    return found === undefined;
  });
  if (found === undefined) throw notFound([id]);
  const shown = shownOf(found);
  process.stdout.write(`${JSON.stringify(shown, null, 2)}\n`);
  await reportFile.write(shown);
  return EXIT_OK;
}

async function redrive(connection: Connection, wanted: ReadonlySet<string> | 'all'): Promise<number> {
  const redriven = await redriveDeadLetters(connection, systemClock, ({ id }) => wanted === 'all' || wanted.has(id));
  for (const id of redriven) process.stdout.write(`${id} is sent back.\n`);
  process.stdout.write(`${redriven.length} sent back.\n`);
  const missing = wanted === 'all' ? [] : [...wanted].filter((id) => !redriven.includes(id));
  if (missing.length === 0) return EXIT_OK;
  process.stderr.write(`dlq: ${notFound(missing).message}\n`);
  return EXIT_BAD_VERDICT;
}

function notFound(ids: readonly string[]): CommandError {
  return new CommandError(`${ids.join(', ')} ${ids.length === 1 ? 'is' : 'are'} not there; see "list"`);
}

function rowOf({ id, routingKey, reason, attempts, failedAt, detail }: Omit<DeadLetter, 'message'>): readonly string[] {
  const tries = attempts === undefined ? '' : `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`;
  return [failedAt ?? '', id, routingKey, reason, tries, shortened(detail, DETAIL_SHOWN_MAX)];
}

function shownOf({ message, ...letter }: DeadLetter): Readonly<Record<string, unknown>> {
  const { appId, contentType, contentEncoding, correlationId, headers, messageId, replyTo, timestamp, type, userId } =
    message;
  return {
    ...letter,
    properties: { messageId, appId, userId, type, contentType, contentEncoding, correlationId, replyTo, timestamp },
    headers,
    body: maskedBody(message.body),
  };
}

process.exitCode = await runCommand({ name: 'dlq', usage: USAGE, exitWhenImpossible: EXIT_IMPOSSIBLE }, () =>
  main(process.argv.slice(2)),
);
