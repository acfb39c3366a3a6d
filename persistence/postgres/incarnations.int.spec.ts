/** A database that is no longer the one it was: restored from a dump, copied, or recovered to an earlier time. */
import { expect } from 'chai';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { SHARD_HASH } from '../../runtime/sharding/shard-of.ts';
import { createScratchDatabase, type ScratchDatabase } from '../../test/support/scratch-database.ts';
import { openPool } from './connection.ts';
import { beginIncarnation, goOnInPlace, readDeployment, type Deployment } from './incarnations.ts';
import { PostgresJournalStore } from './journal-store.ts';
import { prepareDatabase } from './prepare-database.ts';

const run = promisify(execFile);
const SETTINGS = { shards: 4, shardHash: SHARD_HASH };

describe('incarnations of a database', function () {
  this.timeout(60_000);
  let databases: ScratchDatabase[];

  beforeEach(() => (databases = []));
  afterEach(async () => {
    for (const database of databases) await database.drop();
  });

  async function createDatabase(): Promise<ScratchDatabase> {
    const database = await createScratchDatabase({ migrated: false });
    databases.push(database);
    return database;
  }

  async function withPool<T>(url: string, work: (pool: ReturnType<typeof openPool>) => Promise<T>): Promise<T> {
    const pool = openPool(url, 'holdfast/test', 1);
    try {
      return await work(pool);
    } finally {
      await pool.end();
    }
  }
  const deploymentOf = (url: string): Promise<Deployment> => withPool(url, readDeployment);

  /** Takes shards as a new owner does. @returns their epochs. */
  const take = (url: string, ...shards: number[]): Promise<number[]> =>
    withPool(url, async (pool) => {
      const journal = new PostgresJournalStore(url, 'holdfast/test', pool);
      try {
        return [...(await journal.takeShards(shards, 0)).values()].map(({ epoch }) => epoch);
      } finally {
        await journal.close();
      }
    });

  it('starts with one, tagged, and stays in it however often it is started', async () => {
    const { url } = await createDatabase();
    const first = await prepareDatabase(url, SETTINGS);
    await take(url, 0, 1);
    const again = await prepareDatabase(url, SETTINGS);
    expect([first.begun, again.begun]).to.deep.equal([undefined, undefined]);
    expect(again.deploymentId).to.equal(first.deploymentId);
    const { incarnations } = await deploymentOf(url);
    expect(incarnations).to.have.length(1);
    expect(incarnations[0]).to.include({ number: 1, firstEpoch: 1 });
    expect(incarnations[0]!.tag).to.match(/^[0-9a-f]{8}$/);
    expect(await take(url, 0, 1)).to.deep.equal([2, 2]);
  });

  it('begins another where it finds itself in another database, with epochs that never were', async () => {
    const original = await createDatabase();
    const { deploymentId } = await prepareDatabase(original.url, SETTINGS);
    for (let owner = 0; owner < 3; owner++) await take(original.url, 0, 1);
    const copy = await createDatabase();
    const dump = await run('pg_dump', ['--dbname', original.url], { maxBuffer: 2 ** 26 });
    const restoring = run('psql', ['--quiet', '--dbname', copy.url]);
    restoring.child.stdin!.end(dump.stdout);
    await restoring;

    const { begun, copyOf } = await prepareDatabase(copy.url, SETTINGS);
    expect(begun).to.include({ number: 2, firstEpoch: 10_000 });
    expect(begun!.reason).to.contain('restored, copied');
    expect(await take(copy.url, 0, 1, 2)).to.deep.equal([10_000, 10_000, 10_000]);
    const { id, incarnations } = await deploymentOf(copy.url);
    expect(copyOf, 'the original may still be at work').to.equal(deploymentId);
    expect(id).not.to.equal(deploymentId);
    expect(await withPool(copy.url, goOnInPlace)).to.equal(deploymentId);
    expect(await deploymentOf(copy.url)).to.include({ id: deploymentId, copyOf: undefined });
    expect(await withPool(copy.url, goOnInPlace), 'it is no copy any more').to.equal(undefined);
    expect(new Set(incarnations.map(({ tag }) => tag)).size).to.equal(2);
    expect((await prepareDatabase(copy.url, SETTINGS)).begun, 'once').to.equal(undefined);
    expect((await prepareDatabase(original.url, SETTINGS)).begun, 'the original goes on').to.equal(undefined);
    expect(await take(original.url, 0)).to.deep.equal([4]);
  });

  it('begins another on another timeline: recovered to an earlier time, or failed over to a standby', async () => {
    const { url, query } = await createDatabase();
    await prepareDatabase(url, SETTINGS);
    await take(url, 3);
    const { id } = await deploymentOf(url);
    await query(
      `UPDATE settings SET value = regexp_replace(value, '[0-9A-F]{8}$', '00000000') WHERE key = 'database_identity'`,
    );
    const { begun, copyOf } = await prepareDatabase(url, SETTINGS);
    expect(begun).to.include({ number: 2 });
    expect(copyOf, 'the deployment goes on').to.equal(undefined);
    expect((await deploymentOf(url)).id).to.equal(id);
  });

  it('begins none while nothing was ever written: a template that is copied has given no ids', async () => {
    const { url, query } = await createDatabase();
    await prepareDatabase(url, SETTINGS);
    await query(`UPDATE settings SET value = '1/2/00000001' WHERE key = 'database_identity'`);
    expect((await prepareDatabase(url, SETTINGS)).begun).to.equal(undefined);
  });

  it('leaves free the epochs that are known from elsewhere, and those of earlier incarnations', async () => {
    const { url } = await createDatabase();
    await prepareDatabase(url, SETTINGS);
    const begin = (epochSeen?: number) => withPool(url, (pool) => beginIncarnation(pool, 'a test', epochSeen));
    expect((await begin(25_000)).firstEpoch).to.equal(30_000);
    expect((await begin()).firstEpoch).to.equal(40_000);
    expect(await take(url, 0)).to.deep.equal([40_000]);
    expect(await take(url, 0)).to.deep.equal([40_001]);
    expect((await begin()).firstEpoch).to.equal(50_000);
  });

  it('leaves the ids of a database that is older than incarnations as they are', async () => {
    const database = await createScratchDatabase();
    databases.push(database);
    await database.query(`DROP TABLE incarnations; DELETE FROM settings WHERE key = 'deployment_id'`);
    await database.query(
      `INSERT INTO journal (shard, seq, epoch, version, at, entity_id, command_id, events) VALUES (0, 1, 1, 1, now(), 'shd_0', 'take', '[]')`,
    );
    const { up } = await import('../../migrations/0007-incarnations.ts');
    const { default: knex } = await import('knex');
    const migrations = knex({ client: 'pg', connection: database.url });
    await up(migrations).finally(() => migrations.destroy());
    const { incarnations } = await deploymentOf(database.url);
    expect(incarnations.map(({ tag }) => tag)).to.deep.equal(['']);
  });
});
