/** Sessions that break: the next one ends its predecessor, with what that left half-sent, and no other session. */
import { expect } from 'chai';
import pg from 'pg';
import { scratchDatabaseOrSkip } from '../../test/support/postgres-database.ts';
import { createScratchDatabase, type ScratchDatabase } from '../../test/support/scratch-database.ts';
import { waitUntil } from '../../test/support/wait-until.ts';
import { Session, sqlStateOf } from './connection.ts';

const CUT_AFTER_MS = 400;
const LOCK = { text: `UPDATE settings SET value = 'mine' WHERE key = 'row'` };

describe('sessions with PostgreSQL', function () {
  this.timeout(20_000);
  let database: ScratchDatabase;
  let sessions: Session[];
  let clients: pg.Client[];
  let purposes = 0;

  before(async function () {
    database = await scratchDatabaseOrSkip(this);
    await database.query(`INSERT INTO settings (key, value) VALUES ('row', 'nobody’s')`);
  });
  after(async () => {
    await (database as ScratchDatabase | undefined)?.drop();
  });
  beforeEach(() => {
    sessions = [];
    clients = [];
  });
  afterEach(async () => {
    await Promise.all(sessions.map((session) => session.close()));
    await Promise.all(clients.map((client) => client.end().catch(() => undefined)));
  });

  const freshPurpose = (): string => `holdfast/w${process.pid}x${++purposes}/statements`;
  const open = (purpose: string, queryTimeoutMs = CUT_AFTER_MS): Session => {
    const session = new Session(database.url, purpose, { queryTimeoutMs });
    sessions.push(session);
    return session;
  };
  /** What a client leaves that stopped in the middle of sending: a session in a transaction that holds a row. */
  const halfSent = async (purpose: string) => {
    const client = new pg.Client({ connectionString: database.url, application_name: purpose });
    const seen = { ended: false };
    client.on('error', () => undefined);
    client.on('end', () => (seen.ended = true));
    clients.push(client);
    await client.connect();
    await client.query('BEGIN');
    await client.query(LOCK);
    return seen;
  };
  const failureOf = async (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => undefined,
      (error: unknown) => error,
    );
  /** Breaks the session as a statement does that is not answered in time. */
  const cut = async (session: Session): Promise<void> => {
    const error = await failureOf(session.query({ text: 'SELECT pg_sleep(30)' }));
    expect(error).to.be.instanceOf(Error);
  };

  it('compile no statement: a scan that is switched off would make the shortest one seem worth it', async () => {
    const { rows } = await open(freshPurpose(), 10_000).query({
      text: 'EXPLAIN (ANALYZE, FORMAT JSON) SELECT count(*) FROM generate_series(1, 10) a, generate_series(1, 100000) b, settings',
    });
    const [plan] = JSON.parse(rows[0]!['QUERY PLAN'] as string) as [Record<string, unknown>];
    expect(plan).to.include.keys('Plan', 'Execution Time').and.not.include.keys('JIT');
  });

  it('one that opens again ends its predecessor, whose transaction held what it needs', async () => {
    const purpose = freshPurpose();
    const session = open(purpose, 2_000);
    await session.query({ text: 'SELECT 1' });
    const left = await halfSent(purpose);
    const [own] = await database.query('SELECT pid FROM pg_stat_activity WHERE application_name = $1 AND state = $2', [
      purpose,
      'idle',
    ]);
    await database.query('SELECT pg_terminate_backend($1)', [own!['pid']]);
    await failureOf(session.query({ text: 'SELECT 1' })); // may meet the end of its connection
    await session.query(LOCK);
    await waitUntil('the predecessor is ended', () => left.ended);
    expect(await database.query(`SELECT value FROM settings WHERE key = 'row'`)).to.deep.equal([{ value: 'mine' }]);
  });

  it('a statement without an answer in time breaks its session, and the next one has another', async () => {
    const session = open(freshPurpose());
    const pidOf = async () => (await session.query({ text: 'SELECT pg_backend_pid() AS pid' })).rows[0]!['pid'];
    const before = await pidOf();
    await cut(session);
    expect(await pidOf()).not.to.equal(before);
  });

  it('that statement is at its end before the next begins: its server process is gone', async () => {
    const purpose = freshPurpose();
    const session = open(purpose);
    const [row] = (await session.query({ text: 'SELECT pg_backend_pid() AS pid' })).rows;
    await cut(session);
    await session.query({ text: 'SELECT 1' });
    await waitUntil('it is gone', async () => {
      const rows = await database.query('SELECT pid FROM pg_stat_activity WHERE application_name = $1', [purpose]);
      return rows.length === 1 && rows[0]!['pid'] !== row!['pid'];
    });
  });

  it('a session’s first opening ends no session, and no opening ends sessions of another purpose', async () => {
    const [purpose, other] = [freshPurpose(), freshPurpose()];
    const namesake = await halfSent(purpose);
    const first = open(purpose);
    await first.query({ text: 'SELECT 1' });
    expect(namesake.ended).to.equal(false);
    await clients[0]!.query('ROLLBACK');
    const stranger = await halfSent(other);
    await cut(first);
    await first.query({ text: 'SELECT 1' });
    await waitUntil('the namesake is ended', () => namesake.ended);
    expect(stranger.ended).to.equal(false);
  });

  it('one that opens again leaves a namesake in another database alone: a copy has its original’s names', async () => {
    const purpose = freshPurpose();
    const elsewhere = await createScratchDatabase({ migrated: false });
    const namesake = new pg.Client({ connectionString: elsewhere.url, application_name: purpose });
    let ended = false;
    namesake.on('error', () => undefined).on('end', () => (ended = true));
    try {
      await namesake.connect();
      const session = open(purpose);
      await session.query({ text: 'SELECT 1' });
      await cut(session);
      await session.query({ text: 'SELECT 1' });
      expect((await namesake.query('SELECT 1')).rowCount).to.equal(1);
      expect(ended).to.equal(false);
    } finally {
      await namesake.end().catch(() => undefined);
      await elsewhere.drop();
    }
  });

  it('an answer of the server, also a refusal, breaks no session', async () => {
    const session = open(freshPurpose());
    const pidOf = async () => (await session.query({ text: 'SELECT pg_backend_pid() AS pid' })).rows[0]!['pid'];
    const before = await pidOf();
    expect(sqlStateOf(await failureOf(session.query({ text: 'SELECT 1 / 0' })))).to.equal('22012');
    expect(await pidOf()).to.equal(before);
  });

  it('a lock that is not had in time is refused by the server, and the session stays', async () => {
    await halfSent(freshPurpose());
    const session = new Session(database.url, freshPurpose(), { queryTimeoutMs: 5_000, lockTimeoutMs: 100 });
    sessions.push(session);
    expect(sqlStateOf(await failureOf(session.query(LOCK)))).to.equal('55P03');
    expect((await session.query({ text: 'SELECT 1' })).rowCount).to.equal(1);
  });

  it('one that listens receives its channels’ notifications, also after it was opened again', async () => {
    const heard: string[] = [];
    const session = new Session(database.url, freshPurpose(), {
      queryTimeoutMs: CUT_AFTER_MS,
      listen: { holdfast_test_channel: (payload) => heard.push(payload) },
    });
    sessions.push(session);
    await session.query({ text: 'SELECT 1' });
    await database.query(`SELECT pg_notify('holdfast_test_channel', 'one'), pg_notify('holdfast_other', 'none')`);
    await waitUntil('it has heard', () => heard.length === 1);
    await cut(session);
    await session.query({ text: 'SELECT 1' });
    await database.query(`SELECT pg_notify('holdfast_test_channel', 'two')`);
    await waitUntil('it has heard', () => heard.length === 2);
    expect(heard).to.deep.equal(['one', 'two']);
  });
});
