/**
 * The example consumers as processes, against a virtual host of their own: events that come as often and as interleaved
 * as the contract allows are handled once and in order, whatever happens to the process and its connection meanwhile.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { Connection } from 'rabbitmq-client';
import { seededRandom } from '../chaos/random.ts';
import { applyTopology } from '../messaging/rabbitmq/declare-topology.ts';
import { EVENTS_EXCHANGE, ordersTopology } from '../messaging/rabbitmq/topology.ts';
import { scratchBrokerOrSkip, type ScratchBroker } from '../test/support/rabbitmq-broker.ts';
import { skipWithReason } from '../test/support/skip-with-reason.ts';
import { waitUntil } from '../test/support/wait-until.ts';

const NAME = 'shop';
const HERE = path.dirname(fileURLToPath(import.meta.url));
const SAMPLES = path.join(path.dirname(HERE), 'contracts', 'samples');
const PYTHON = '/usr/bin/python3';
const SUBJECTS = 12;
const VERSIONS = 8;
const PATIENCE_MS = 40_000;
/** As docs/integrators.md gives them to one who takes events. */
const READER = ['^shop(\\..*)?$', '^shop(\\..*)?$', '^(shop(\\..*)?|orders\\.events)$'] as const;

interface Sample {
  readonly routingKey: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body: unknown;
}

interface Sent extends Sample {
  readonly id: string;
  readonly subject: string;
  readonly version: number;
}

interface Kept {
  readonly id: string;
  readonly type: string;
  readonly subject: string;
  readonly version: number;
  readonly data: unknown;
}

/** Of each entity some versions, each with one or two events: all samples, given to entities of their own. */
function eventsOf(samples: readonly Sample[]): Sent[][] {
  let next = 0;
  const made = (subject: string, version: number, ordinal: number): Sent => {
    const sample = samples[next++ % samples.length]!;
    const id = `s1-e1-q${subject.length}${subject.slice(-2)}${version}-${ordinal}`;
    return { ...sample, id, subject, version };
  };
  return Array.from({ length: SUBJECTS }, (_, index) => {
    const subject = `ord_${String(index).padStart(4, '0')}`;
    return Array.from({ length: VERSIONS }, (_unused, at) => {
      const version = 1 + 2 * at; // not dense: private events have no message
      return Array.from({ length: 1 + (at % 2) }, (_one, ordinal) => made(subject, version, ordinal));
    }).flat();
  });
}

/** As the relay may send them: each entity's in order, and anything that was sent at any later time again. */
function asTheyMayCome(lanes: readonly (readonly Sent[])[], seed: number): Sent[] {
  const random = seededRandom(seed, 'deliveries');
  const left = lanes.map((lane) => [...lane]);
  const stream: Sent[] = [];
  while (left.some((lane) => lane.length > 0)) {
    if (stream.length > 0 && random.chance(0.3)) stream.push(random.pick(stream));
    else stream.push(random.pick(left.filter((lane) => lane.length > 0)).shift()!);
  }
  return [...stream, ...random.shuffled(stream.slice(0, 50))];
}

async function whyNoPython(): Promise<string | undefined> {
  try {
    await promisify(execFile)(PYTHON, ['-c', 'import pika, jsonschema']);
    return undefined;
  } catch {
    return `no ${PYTHON} with pika and jsonschema`;
  }
}

const CONSUMERS = [
  {
    name: 'consumer.ts',
    command: [process.execPath, '--import', 'tsx', path.join(HERE, 'consumer.ts')],
    python: false,
  },
  { name: 'consumer.py', command: [PYTHON, path.join(HERE, 'consumer.py')], python: true },
] as const;

for (const { name, command, python } of CONSUMERS) {
  describe(`examples/${name}`, () => {
    let broker: ScratchBroker;
    let readerUrl: string;
    let connection: Connection;
    let folder: string;
    let lanes: Sent[][];
    let child: ChildProcess | undefined;
    let output: string;

    before(async function () {
      const reason = python ? await whyNoPython() : undefined;
      if (reason !== undefined && process.env['CI'] === 'true')
        throw new Error(`${reason}, and in CI there must be one`);
      if (reason !== undefined) skipWithReason(this, reason);
      broker = await scratchBrokerOrSkip(this);
      readerUrl = await broker.addUser('reader', READER);
      const names = (await readdir(SAMPLES)).sort();
      const samples = names.map(async (file) => JSON.parse(await readFile(path.join(SAMPLES, file), 'utf8')) as Sample);
      lanes = eventsOf(await Promise.all(samples));
    });
    after(async () => broker?.drop());
    beforeEach(async () => {
      connection = new Connection(broker.url);
      connection.on('error', () => undefined);
      await applyTopology(connection, ordersTopology());
      folder = await mkdtemp(path.join(tmpdir(), 'holdfast-example-'));
      output = '';
    });
    afterEach(async () => {
      await kill();
      for (const queue of [NAME, `${NAME}.replay`]) await connection.queueDelete(queue);
      await connection.close();
      await rm(folder, { recursive: true, force: true });
    });

    function start(): void {
      const [program, ...args] = command;
      const root = path.dirname(HERE);
      // tsx is looked for from where we stand, the file is kept elsewhere.
      const where = python ? folder : root;
      const file = python ? [] : ['--file', path.join(folder, `${NAME}.jsonl`)];
      child = spawn(program, [...args, NAME, ...file], {
        cwd: where,
        env: { PATH: process.env['PATH'], AMQP_URL: readerUrl },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      for (const stream of [child.stdout, child.stderr])
        stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    }

    async function kill(): Promise<void> {
      const running = child;
      child = undefined;
      if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
      running.kill('SIGKILL');
      await once(running, 'exit');
    }

    /** Whole lines only: the last one may be half-written just now. */
    async function kept(): Promise<Kept[]> {
      const text = await readFile(path.join(folder, `${NAME}.jsonl`), 'utf8').catch(() => '');
      return text
        .slice(0, text.lastIndexOf('\n') + 1)
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Kept);
    }

    async function keptMany(count: number): Promise<void> {
      const enough = async (): Promise<boolean> => {
        if (python && child !== undefined && child.exitCode !== null) start(); // as its supervisor would
        return (await kept()).length >= count;
      };
      await waitUntil(`${count} events to be kept`, enough, () => output.slice(-2_000), PATIENCE_MS);
    }

    async function bound(): Promise<void> {
      const passive = async (): Promise<boolean> =>
        connection.queueDeclare({ queue: NAME, passive: true }).then(
          ({ consumerCount }) => consumerCount > 0,
          () => false,
        );
      await waitUntil('the consumer to be there', passive, () => output, PATIENCE_MS);
    }

    async function publish(events: readonly Sent[], queue?: string): Promise<void> {
      const publisher = connection.createPublisher({ confirm: true });
      for (const { routingKey, properties, headers, body, id, subject, version } of events) {
        await publisher.send(
          {
            ...(queue === undefined ? { exchange: EVENTS_EXCHANGE, routingKey } : { routingKey: queue }),
            type: routingKey,
            messageId: id,
            appId: String(properties['app-id']),
            contentType: 'application/json',
            durable: true,
            headers: { ...headers, cloudEvents_subject: subject, 'entity-version': version },
          },
          Buffer.from(JSON.stringify(body)),
        );
      }
      await publisher.close();
    }

    async function expectEachOnceInOrder(): Promise<void> {
      const all = await kept();
      expect(all.length, 'none twice').to.equal(lanes.flat().length);
      for (const lane of lanes) {
        const { subject } = lane[0]!;
        const told = all.filter((event) => event.subject === subject);
        expect(told).to.deep.equal(
          lane.map(({ id, routingKey, version, body }) => ({ id, type: routingKey, subject, version, data: body })),
        );
      }
    }

    it('handles each event once and in order, killed, cut off and started again in the middle', async () => {
      start();
      await bound();
      const stream = asTheyMayCome(lanes, 7);
      const all = lanes.flat().length;
      const published = publish(stream);
      await keptMany(Math.floor(all / 4));
      await kill();
      start();
      await keptMany(Math.floor(all / 2));
      await broker.closeConnections();
      await published.catch(() => publish(stream)); // our own connection was closed, too: again, as the relay would
      await keptMany(all);
      // Whatever was still to come is a duplicate; a last event proves that all before it were seen.
      const last = { ...lanes[0]![0]!, id: 's1-e1-q999-0', subject: 'ord_last', version: 1 };
      await publish([last]);
      await keptMany(all + 1);
      const [end] = (await kept()).slice(-1);
      expect(end?.subject).to.equal('ord_last');
      lanes = [...lanes, [last]];
      await expectEachOnceInOrder();
      lanes = lanes.slice(0, -1);
    });

    it('works off a replay before what came since, and takes what is in both once', async () => {
      start();
      await bound();
      await kill();
      // Two events of each entity came live, the last of the replay among them.
      await publish(lanes.flatMap((lane) => lane.slice(-3)));
      await publish(
        asTheyMayCome(
          lanes.map((lane) => lane.slice(0, -2)),
          11,
        ),
        `${NAME}.replay`,
      );
      start();
      await keptMany(Math.floor(lanes.flat().length / 3));
      await kill();
      start();
      await keptMany(lanes.flat().length);
      await expectEachOnceInOrder();
    });
  });
}
