/** What the two faults that aim at a statement mean to a real PostgreSQL: the one commits unheard, the other waits. */
import { expect } from 'chai';
import pg from 'pg';
import { whyNoMachineServer } from '../../test/support/database-server.ts';
import { createScratchDatabase, type ScratchDatabase } from '../../test/support/scratch-database.ts';
import { waitUntil } from '../../test/support/wait-until.ts';
import { DatabaseProxy } from './database-proxy.ts';
import { skipWithReason } from '../../test/support/skip-with-reason.ts';

describe('the proxy before a real PostgreSQL', () => {
  let database: ScratchDatabase;
  let proxy: DatabaseProxy;
  let client: pg.Client;

  before(async function () {
    const reason = await whyNoMachineServer();
    if (reason !== undefined) skipWithReason(this, reason);
  });
  beforeEach(async () => {
    database = await createScratchDatabase({ migrated: false });
    await database.query('CREATE TABLE rows (id int PRIMARY KEY)');
    const url = new URL(database.url);
    proxy = await DatabaseProxy.open({ host: url.hostname, port: Number(url.port || 5432) });
    url.port = String(proxy.port);
    url.hostname = '127.0.0.1';
    client = new pg.Client({ connectionString: url.href, application_name: 'holdfast/w0-1/journal' });
    client.on('error', () => undefined);
    await client.connect();
  });
  // `before` may have skipped everything.
  afterEach(async () => {
    await proxy?.close();
    await client?.end().catch(() => undefined);
    await database?.drop();
  });

  const insert = (id: number): Promise<Error | undefined> =>
    client.query('INSERT INTO rows (id) VALUES ($1)', [id]).then(
      () => undefined,
      (error: Error) => error,
    );
  const isThere = async (id: number): Promise<boolean> =>
    (await database.query('SELECT FROM rows WHERE id = $1', [id])).length === 1;
  const waits = async (): Promise<boolean> =>
    (
      await database.query(
        `SELECT FROM pg_stat_activity
         WHERE datname = current_database() AND application_name LIKE '%/journal' AND query LIKE 'INSERT%'
           AND wait_event = 'ClientRead' AND backend_xid IS NOT NULL`,
      )
    ).length === 1;

  it('commits a statement whose answer is cut off', async () => {
    proxy.journalSessions[0]!.cutNextAnswer(() => undefined);
    expect(await insert(1)).to.be.an('error');
    expect(await isThere(1)).to.equal(true);
  });

  it('does not commit a statement without its last bytes, until they come', async () => {
    const session = proxy.journalSessions[0]!;
    session.withholdNextStatement(() => undefined);
    const answered = insert(1);
    await waitUntil('the server has written the row and waits', waits);
    expect(await isThere(1)).to.equal(false);
    session.endWithholding('delivered');
    expect(await answered).to.equal(undefined);
    expect(await isThere(1)).to.equal(true);
  });

  it('never commits it when they do not come', async () => {
    const session = proxy.journalSessions[0]!;
    session.withholdNextStatement(() => undefined);
    const answered = insert(1);
    await waitUntil('the server has written the row and waits', waits);
    session.endWithholding('cut');
    expect(await answered).to.be.an('error');
    expect(await isThere(1)).to.equal(false);
  });
});
