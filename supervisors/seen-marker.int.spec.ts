/** A database that is put back to an earlier state by its disk: cluster, database and timeline are what they were. */
import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import { Connection } from 'rabbitmq-client';
import { systemClock } from '../kernel/clock.ts';
import { SHARD_HASH } from '../runtime/sharding/shard-of.ts';
import { MessageOrigin } from '../messaging/contracts/message-origin.ts';
import { applyTopology } from '../messaging/rabbitmq/declare-topology.ts';
import { COMMANDS_QUEUE, ordersTopology, SEEN_QUEUE } from '../messaging/rabbitmq/topology.ts';
import { openPool } from '../persistence/postgres/connection.ts';
import { readDeployment, type Deployment } from '../persistence/postgres/incarnations.ts';
import { PostgresJournalStore } from '../persistence/postgres/journal-store.ts';
import { prepareDatabase } from '../persistence/postgres/prepare-database.ts';
import { keptLog } from '../test/support/silent-log.ts';
import { scratchBrokerOrSkip, type ScratchBroker } from '../test/support/rabbitmq-broker.ts';
import { createScratchDatabase, type ScratchDatabase } from '../test/support/scratch-database.ts';
import { waitUntil } from '../test/support/wait-until.ts';
import { SeenMarker, type Comparison } from './seen-marker.ts';

const SETTINGS = { shards: 4, shardHash: SHARD_HASH };

describe('what was seen of a journal', function () {
  this.timeout(60_000);
  let broker: ScratchBroker;
  let connection: Connection;
  let database: ScratchDatabase;
  let markers: SeenMarker[];
  let pool: ReturnType<typeof openPool>;

  before(async function () {
    broker = await scratchBrokerOrSkip(this);
    connection = new Connection(broker.url);
    connection.on('error', () => undefined);
  });
  after(async () => {
    await connection?.close();
    await broker?.drop();
  });
  beforeEach(async () => {
    markers = [];
    database = await createScratchDatabase({ migrated: false });
    await prepareDatabase(database.url, SETTINGS);
    pool = openPool(database.url, 'holdfast/test', 2);
    expect((await start()).begun, 'nothing was ever written').to.equal(undefined);
  });
  afterEach(async () => {
    for (const marker of markers) await marker.stop();
    await pool.end();
    await database.drop();
    await connection.exchangeDelete({ exchange: 'holdfast.deployment' });
    await connection.queueDelete(SEEN_QUEUE);
    await connection.queueDelete(COMMANDS_QUEUE);
  });

  function marker(amqpUrl = broker.url): SeenMarker {
    const created = new SeenMarker({
      amqpUrl,
      databaseUrl: database.url,
      nodeId: randomUUID(),
      clock: systemClock,
      log: keptLog().log,
    });
    markers.push(created);
    return created;
  }

  /** As a start does it. */
  async function start(): Promise<Comparison> {
    const starting = marker();
    const found = await starting.compare();
    await starting.mark();
    return found;
  }
  const deployment = (): Promise<Deployment> => readDeployment(pool);

  /** Takes the shards as a new owner does. @returns the ids of the rows that it writes. */
  async function take(...shards: number[]): Promise<string[]> {
    const journal = new PostgresJournalStore(database.url, 'holdfast/test', pool);
    const { id: deploymentId, incarnations } = await deployment();
    const origin = new MessageOrigin({ deploymentId, incarnations });
    try {
      const heads = [...(await journal.takeShards(shards, 0)).entries()];
      return heads.map(([shard, { epoch, seq }]) => `${origin.idPrefix(epoch)}s${shard}-e${epoch}-q${seq}`);
    } finally {
      await journal.close();
    }
  }

  /** What is written until then is as if it never was, but the settings. */
  async function putBackAfter(work: () => Promise<void>): Promise<void> {
    await database.query(`
      CREATE TABLE kept_journal AS TABLE journal; CREATE TABLE kept_incarnations AS TABLE incarnations`);
    await work();
    await database.query(`
      DELETE FROM journal; INSERT INTO journal SELECT * FROM kept_journal; DROP TABLE kept_journal;
      DELETE FROM incarnations; INSERT INTO incarnations SELECT * FROM kept_incarnations; DROP TABLE kept_incarnations`);
  }

  async function waitForConsumer(): Promise<void> {
    await waitUntil('the consumer is there', async () => {
      const { consumerCount } = await connection.queueDeclare({ queue: COMMANDS_QUEUE, passive: true });
      return consumerCount === 1;
    });
  }

  it('begins no incarnation while all that was seen is there', async () => {
    await take(0, 1);
    expect((await start()).begun).to.equal(undefined);
    await take(1, 2);
    expect((await start()).begun, 'more than was seen').to.equal(undefined);
    expect((await deployment()).incarnations).to.have.length(1);
  });

  it('begins another when the disk is put back, and no id comes twice', async () => {
    await take(0, 1);
    await start();
    const lost: string[] = [];
    await putBackAfter(async () => {
      for (let round = 0; round < 3; round++) lost.push(...(await take(0, 1, 3)));
      await marker().mark();
    });
    const { begun, copyOf } = await start();
    expect(begun!.reason).to.match(
      /put back: row 4 of epoch 4 was seen of shard 0, which ends at row 1 of epoch 1 here, and so with 2 more shards/,
    );
    expect(begun!.firstEpoch).to.equal(10_000);
    expect(copyOf, 'the original is not at work').to.equal(undefined);
    const after = [...(await take(0, 1, 3)), ...(await take(0, 1, 3)), ...(await take(0, 1, 3))];
    expect(after.filter((id) => lost.includes(id))).to.deep.equal([]);
    expect((await start()).begun, 'once').to.equal(undefined);
  });

  it('begins another when the same rows are there again with other epochs', async () => {
    await take(2);
    await start();
    await putBackAfter(async () => {
      await take(2);
      await take(2);
      await marker().mark();
    });
    await database.query(`INSERT INTO journal (shard, seq, epoch, version, at, entity_id, command_id, events)
      SELECT shard, q, 2, version + q, at, entity_id, command_id || q, events FROM journal, generate_series(2, 5) q WHERE shard = 2`);
    expect((await start()).begun?.reason).to.contain(
      'row 3 of epoch 3 was seen of shard 2, which ends at row 5 of epoch 2',
    );
  });

  it('goes on above epochs of an incarnation that is lost as well', async () => {
    await take(0);
    await start();
    await putBackAfter(async () => {
      for (let life = 0; life < 3; life++) {
        await connection.queuePurge(SEEN_QUEUE);
        expect((await start()).begun?.reason).to.contain('RabbitMQ has no mark');
      }
      await take(0);
      await marker().mark();
    });
    const { begun } = await start();
    expect(begun!.reason).to.contain('epochs up to 30000').and.contain('the newest here');
    expect(begun!.firstEpoch).to.equal(40_000);
  });

  for (const text of ['', 'rubbish', '{}', '{"deploymentId":"x","tag":"y","heads":[[0,99999999999,1]]}']) {
    it(`begins one where the mark is "${text}"`, async () => {
      await take(0);
      await start();
      await connection.queuePurge(SEEN_QUEUE);
      const publisher = connection.createPublisher({ confirm: true });
      await publisher.send(SEEN_QUEUE, text);
      await publisher.close();
      expect((await start()).begun?.reason).to.contain('can not be read');
      expect((await start()).begun, 'a mark is there again').to.equal(undefined);
    });
  }

  it('begins one where the broker is away, unless others run who could ask it', async () => {
    await take(0);
    await start();
    const member = (ends: string) =>
      database.query(`INSERT INTO members (worker_id, node_id, slot, host, socket_path, pid, version, draining, has_broker, expires_at)
        VALUES ('w', 'n', 0, 'h', 's', 1, '1', false, true, now() + interval '${ends}') ON CONFLICT (worker_id) DO UPDATE SET expires_at = excluded.expires_at`);
    await member('1 minute');
    expect((await marker().compare('it is away')).begun).to.equal(undefined);
    await member('-1 minute');
    expect((await marker().compare('it is away')).begun?.reason).to.contain('it is away');
  });

  it('is a copy where another is at work on the virtual host: another deployment, which it does not get', async () => {
    await applyTopology(connection, ordersTopology({ deploymentId: (await deployment()).id }));
    await take(0);
    await start();
    const original = (await deployment()).id;
    const working = connection.createConsumer(
      { queue: COMMANDS_QUEUE, queueOptions: { passive: true } },
      () => undefined,
    );
    await waitForConsumer();
    await putBackAfter(async () => {
      await take(0);
      await marker().mark();
    });
    const { begun, copyOf, deploymentId } = await start();
    await working.close();
    expect(begun).to.include({ number: 2 });
    expect(copyOf).to.equal(original);
    expect(deploymentId)
      .to.equal((await deployment()).id)
      .and.not.equal(original);
    const [claim] = await applyTopology(connection, ordersTopology({ deploymentId }));
    expect(claim).to.include({ state: 'different' });
    expect((await start()).begun, 'the mark is of the original').to.equal(undefined);
  });

  it('keeps one mark, however often it is written', async () => {
    await take(0);
    const writing = marker();
    for (let times = 0; times < 5; times++) await writing.mark();
    const { messageCount } = await connection.queueDeclare({ queue: SEEN_QUEUE, passive: true });
    expect(messageCount).to.equal(1);
  });
});
