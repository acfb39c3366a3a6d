/** `npm run -s relay`: how far events are published, and publishing some of them once more to a queue. */
import { KINDS, PUBLIC_EVENTS } from '../actors/index.ts';
import { loadConfig } from '../config/config.ts';
import { systemClock } from '../kernel/clock.ts';
import { parseInstant } from '../kernel/instant.ts';
import { MessageOrigin } from '../messaging/contracts/message-origin.ts';
import { PublicMessages } from '../messaging/contracts/public-message.ts';
import { EventPublisher } from '../messaging/relay/event-publisher.ts';
import { replayEvents, type ReplaySelection } from '../messaging/relay/replay-events.ts';
import { holderOf } from '../messaging/rabbitmq/deployment-claim.ts';
import { isOwnQueue } from '../messaging/rabbitmq/topology.ts';
import { openPool } from '../persistence/postgres/connection.ts';
import { PostgresJournalStore } from '../persistence/postgres/journal-store.ts';
import { PostgresRelayStore } from '../persistence/postgres/relay-store.ts';
import {
  CommandError,
  EXIT_BAD_VERDICT,
  EXIT_OK,
  HELP_OPTION,
  parseCommandLine,
  runCommand,
  UsageError,
} from './support/command-line.ts';
import { withBroker } from './support/broker.ts';
import { databaseFailure, withDatabase } from './support/database.ts';
import { Progress } from './support/progress.ts';
import { openReportFile } from './support/report-file.ts';
import { count } from './support/text.ts';

const USAGE = `Usage: npm run -s relay -- status [--json FILE]
       npm run -s relay -- replay --queue NAME [--from TIME] [--to TIME] [--types KEY,...]

  status   how many rows of the journal wait to be published, and which entities are held back by a row
           that can't be read, or of which no message can be made
  replay   publishes events once more, under the same message ids, to one queue that is there already
             --from, --to   by the time they happened, ISO 8601, UTC without an offset; --to is exclusive
             --types        routing keys, such as order.created.v1
           Take a queue of your own that no live events go to: they would come before older ones that are replayed

Settings: DATABASE_URL or DATA_DIR, and AMQP_URL for replay.
Exit code 0: nothing waits or is held back; all is published. 1: something is. 2: it could not be done.
`;

const EXIT_IMPOSSIBLE = 2;
const OPTIONS = {
  ...HELP_OPTION,
  json: { type: 'string' },
  queue: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  types: { type: 'string' },
} as const;

interface Stores {
  readonly relay: PostgresRelayStore;
  readonly journal: PostgresJournalStore;
}

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommandLine(args, OPTIONS, 1);
  if (values.help) {
    process.stdout.write(USAGE);
    return EXIT_OK;
  }
  const { queue, from, to, types, json } = values;
  const selects = [queue, from, to, types].some((value) => value !== undefined);
  if (positionals[0] === 'status' && !selects) return withStores((stores) => status(stores, json));
  if (positionals[0] !== 'replay') throw new UsageError('say status or replay');
  if (queue === undefined || queue === '') throw new UsageError('say with --queue where the events should go');
  if (isOwnQueue(queue))
    throw new UsageError(`--queue ${queue} is a queue of Holdfast's own: declare one for the replay`);
  const fromMs = instant('from', from) ?? -Infinity;
  const toMs = instant('to', to) ?? Infinity;
  if (fromMs >= toMs)
    throw new UsageError(`--from "${from}" is not before --to "${to}": no event can lie between them`);
  const selection = { fromMs, toMs, types: typesOf(types) };
  return withStores((stores) => replay(stores, queue, selection, json));
}

function instant(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseInstant(text);
  if (ms === undefined) throw new UsageError(`--${option} "${text}" is no time; write it like 2026-01-31T12:00:00Z`);
  return ms;
}

function typesOf(text: string | undefined): ReadonlySet<string> | undefined {
  if (text === undefined) return undefined;
  const types = text.split(',').map((type) => type.trim());
  const unknown = types.find((type) => !PUBLIC_EVENTS.types.includes(type));
  if (unknown !== undefined) {
    throw new UsageError(
      `--types: "${unknown}" is no routing key of an event; there are ${PUBLIC_EVENTS.types.join(', ')}`,
    );
  }
  return new Set(types);
}

async function withStores(work: (stores: Stores) => Promise<number>): Promise<number> {
  return withDatabase(loadConfig(), async (databaseUrl) => {
    const pool = openPool(databaseUrl, 'holdfast/relay-command', 2);
    const journal = new PostgresJournalStore(databaseUrl, 'holdfast/relay-command', pool);
    try {
      return await work({ relay: new PostgresRelayStore(pool), journal });
    } catch (error) {
      throw databaseFailure(error, 'It broke off');
    } finally {
      await journal.close();
      await pool.end();
    }
  });
}

async function status({ relay }: Stores, json: string | undefined): Promise<number> {
  const reportFile = await openReportFile(json);
  const { waitingRows, behind, shards, held } = await relay.progress();
  process.stdout.write(
    waitingRows === 0
      ? `All is published (${shards} shards).\n`
      : `${count(waitingRows)} rows of ${behind} shards wait to be published.\n`,
  );
  for (const { entityId, shard, seq, reason } of held)
    process.stdout.write(`held back: ${entityId}, from shard ${shard}, seq ${seq} on: ${reason}\n`);
  if (held.length > 0) process.stdout.write('They are tried again when their shard has a new owner.\n');
  await reportFile.write({ shards, behind, waitingRows, held });
  return waitingRows === 0 && held.length === 0 ? EXIT_OK : EXIT_BAD_VERDICT;
}

async function replay({ relay, journal }: Stores, queue: string, selection: ReplaySelection, json: string | undefined) {
  const reportFile = await openReportFile(json);
  const { shards, rows } = await relay.size();
  return withBroker(loadConfig(), 'holdfast/replay', async (connection) => {
    const { id: deploymentId, incarnations } = await relay.deployment();
    const holder = await holderOf(connection);
    if (holder !== undefined && holder !== deploymentId) {
      throw new CommandError(
        `The virtual host belongs to deployment ${holder}, and DATABASE_URL to ${deploymentId}: its consumers would ` +
          'hear events of another database. Check AMQP_URL and DATABASE_URL.',
      );
    }
    await connection.queueDeclare({ queue, passive: true }).catch(() => {
      throw new CommandError(
        `There is no queue "${queue}" in the broker's vhost. Declare it first, or check its name.`,
      );
    });
    const publisher = new EventPublisher(connection, { destination: { queue }, clock: systemClock });
    const progress = new Progress(process.stderr, systemClock);
    progress.begin('reading', 'rows', rows);
    const tally = await replayEvents({
      journal,
      kinds: KINDS,
      shards,
      selection,
      messages: new PublicMessages(
        PUBLIC_EVENTS,
        new MessageOrigin({ deploymentId, incarnations, publicUrl: loadConfig().publicUrl }),
      ),
      publish: (message) => new Promise((resolve, reject) => publisher.publish(message, { resolve, reject })),
      onProgress: (now) => progress.update(now.rows),
    });
    progress.end();
    publisher.close();
    for (const [entityId, reason] of tally.unreadable) process.stdout.write(`left out: ${entityId}: ${reason}\n`);
    process.stdout.write(`${count(tally.published)} events are published to ${queue}.\n`);
    await reportFile.write({ ...tally, unreadable: Object.fromEntries(tally.unreadable) });
    return tally.unreadable.size === 0 ? EXIT_OK : EXIT_BAD_VERDICT;
  });
}

process.exitCode = await runCommand({ name: 'relay', usage: USAGE, exitWhenImpossible: EXIT_IMPOSSIBLE }, () =>
  main(process.argv.slice(2)),
);
