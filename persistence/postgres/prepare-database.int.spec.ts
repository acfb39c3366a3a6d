/** What a node finds out about its database when it starts, on real servers: each refusal is one line with a remedy. */
import { expect } from 'chai';
import { randomBytes } from 'node:crypto';
import type { Compatibility } from '../../migrations/compatibility.ts';
import { MIGRATIONS, type Migration } from '../../migrations/source.ts';
import { systemClock } from '../../kernel/clock.ts';
import { StartupError } from '../../kernel/errors.ts';
import { scratchDatabaseOrSkip } from '../../test/support/postgres-database.ts';
import type { ScratchDatabase } from '../../test/support/scratch-database.ts';
import { startTransactionPooler } from '../../test/support/transaction-pooler.ts';
import { prepareDatabase, type Preparation } from './prepare-database.ts';

const WANTED = { shards: 8, shardHash: 'test' };

async function refusalOf(url: string, preparation: Preparation = {}): Promise<string> {
  const error: unknown = await prepareDatabase(url, WANTED, preparation).catch((thrown: unknown) => thrown);
  expect(error, String(error)).to.be.instanceOf(StartupError);
  const { message } = error as StartupError;
  expect(message, 'one line').not.to.include('\n');
  expect(message, 'no password').not.to.include('s3cret');
  return message;
}

describe('preparing a database', function () {
  this.timeout(60_000);
  let database: ScratchDatabase;
  let role: string;

  beforeEach(async function () {
    database = await scratchDatabaseOrSkip(this, { migrated: false });
    role = `holdfast_test_${randomBytes(6).toString('hex')}`;
  });
  afterEach(async () => {
    await (database as ScratchDatabase | undefined)?.drop();
  });

  const urlWith = (parameters: string): string =>
    `${database.url}${database.url.includes('?') ? '&' : '?'}${parameters}`;
  const asRole = (): string => {
    const url = new URL(database.url);
    url.username = role;
    return url.href;
  };
  /** Dropped with what it owns at the end. */
  const withRole = async (options: string, work: () => Promise<void>): Promise<void> => {
    await database.query(`CREATE ROLE ${role} LOGIN ${options}`);
    try {
      await work();
    } finally {
      await database.query(`DROP OWNED BY ${role}`);
      await database.query(`DROP ROLE ${role}`);
    }
  };

  it('makes the tables, and is content with them the second time', async () => {
    expect(await prepareDatabase(database.url, WANTED, { sessions: 5 })).to.include({ isNew: true });
    const second = await prepareDatabase(database.url, WANTED, { sessions: 5 });
    expect(second.isNew).to.equal(false);
    expect(Math.abs(second.clockSkewMs)).to.be.below(1_000);
  });

  it('refuses a pooler in transaction mode', async function () {
    const pooler = await startTransactionPooler(this, database.url);
    try {
      expect(await refusalOf(pooler.url)).to.match(/pooler.*PostgreSQL directly/);
    } finally {
      await pooler.stop();
    }
  });

  it('refuses a pooler in transaction mode that was told to pass over what it does not know', async function () {
    const pooler = await startTransactionPooler(this, database.url, { keepsSettings: true });
    try {
      expect(await refusalOf(pooler.url)).to.match(/transaction mode/);
    } finally {
      await pooler.stop();
    }
  });

  it('keeps what DATABASE_URL sets by options, beside what the node sets itself', async () => {
    await database.query('CREATE SCHEMA shop');
    const options = '-c search_path=shop -c jit=on -c statement_timeout=1';
    await prepareDatabase(urlWith(new URLSearchParams({ options, application_name: 'theirs' }).toString()), WANTED);
    expect(await database.query(`SELECT to_regclass('shop.settings') IS NOT NULL AS made`)).to.deep.equal([
      { made: true },
    ]);
  });

  it('refuses an encoding that can not hold every name', async () => {
    const name = `${role}_latin`;
    await database.query(`CREATE DATABASE ${name} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`);
    const url = new URL(database.url);
    url.pathname = `/${name}`;
    try {
      expect(await refusalOf(url.href)).to.match(/encoding LATIN1.*UTF8/);
    } finally {
      await database.query(`DROP DATABASE ${name} WITH (FORCE)`);
    }
  });

  it('refuses sessions that are read-only', async () => {
    const { pathname } = new URL(database.url);
    await database.query(`ALTER DATABASE ${pathname.slice(1)} SET default_transaction_read_only = on`);
    expect(await refusalOf(database.url)).to.match(/read-only.*default_transaction_read_only/);
  });

  it('refuses a role that may not create tables, where tables are to be made', async () => {
    await database.query('REVOKE CREATE ON SCHEMA public FROM PUBLIC');
    await withRole('', async () => {
      expect(await refusalOf(asRole())).to.match(/may not create tables in the schema public.*GRANT CREATE/);
    });
  });

  it('refuses a limit of the role that is too low for the node, and names it', async () => {
    await withRole('CONNECTION LIMIT 5', async () => {
      const refusal = await refusalOf(asRole(), { sessions: 16 });
      expect(refusal).to.match(/needs 16 sessions.*limit of the role \(5.*WORKERS/);
    });
  });

  it('refuses more sessions than the server has', async () => {
    expect(await refusalOf(database.url, { sessions: 100_000 })).to.match(/needs 100000 sessions.*max_connections/);
  });

  it('refuses a clock that runs apart, by which side', async () => {
    const off = (byMs: number): Preparation => ({
      clock: { ...systemClock, nowMs: () => Date.now() + byMs },
    });
    expect(await refusalOf(database.url, off(3_600_000))).to.match(/3600 s ahead of the database's.*NTP/);
    expect(await refusalOf(database.url, off(-60_000))).to.match(/60 s behind the database's/);
    expect((await prepareDatabase(database.url, WANTED, off(5_000))).clockSkewMs).to.be.within(-5_500, -4_500);
  });

  describe('that can not be reached', () => {
    const to = (change: (url: URL) => void): string => {
      const url = new URL(database.url);
      url.password = 's3cret';
      change(url);
      return url.href;
    };

    it('says that nothing listens', async () => {
      expect(await refusalOf(to((url) => (url.port = '1')))).to.match(/nothing listens/);
    });
    it('says that the database is missing', async () => {
      expect(await refusalOf(to((url) => (url.pathname = '/no_such_database')))).to.match(/does not exist. Create it/);
    });
    it('says that the user is refused', async () => {
      expect(await refusalOf(to((url) => (url.username = 'no_such_role')))).to.match(
        /refuses the user or the password/,
      );
    });
    it('says that the role may not connect to the database', async () => {
      const name = new URL(database.url).pathname.slice(1);
      await database.query(`REVOKE CONNECT ON DATABASE ${name} FROM PUBLIC`);
      await withRole('', async () => {
        expect(await refusalOf(asRole())).to.match(/may not connect to the database.*GRANT CONNECT/);
      });
    });
    it('says that the role may not log in', async () => {
      await withRole('', async () => {
        await database.query(`ALTER ROLE ${role} NOLOGIN`);
        expect(await refusalOf(asRole())).to.match(/may not log in/);
      });
    });
    for (const options of ['garbage', '-c no_such_setting=1', '-c search_path']) {
      it(`names options=${options} of DATABASE_URL, which the server refuses`, async () => {
        expect(await refusalOf(urlWith(new URLSearchParams({ options }).toString()))).to.match(
          /sets by options\. Correct options/,
        );
      });
    }
    it('names the file of a certificate that is missing', async () => {
      expect(await refusalOf(urlWith('sslmode=verify-full&sslrootcert=/no/such.pem'))).to.match(
        /sslrootcert.*\/no\/such\.pem/,
      );
    });
    it('explains TLS that the server does not offer', async function () {
      if ((await database.query('SHOW ssl'))[0]!['ssl'] === 'on') this.skip();
      expect(await refusalOf(urlWith('sslmode=require'))).to.match(/asks for TLS.*sslmode=disable/);
    });
  });

  describe('that a newer version migrated', () => {
    const newer = (name: string, compatibility: Compatibility): Migration => ({
      name,
      compatibility,
      up: async (knex) => void (await knex.raw(`CREATE TABLE "${name}" (id int)`)),
      down: () => Promise.resolve(),
    });
    const additive = newer('9001-more', { kind: 'additive' });
    const breaking = newer('9002-other', { kind: 'breaking', needs: '9.2.0' });
    const afterwards = newer('9003-more', { kind: 'additive' });
    const migrate = (...more: Migration[]) =>
      prepareDatabase(database.url, WANTED, { migrations: [...MIGRATIONS, ...more] });

    it('runs on it where the change is additive', async () => {
      await migrate(additive);
      expect((await prepareDatabase(database.url, WANTED)).isNew).to.equal(false);
    });

    it('refuses a breaking change and names the version that is needed', async () => {
      await migrate(additive, breaking);
      expect(await refusalOf(database.url)).to.match(/9002-other.*Run Holdfast 9\.2\.0 or newer/);
    });

    it('runs where it knows the breaking change and not the additive one after it', async () => {
      await migrate(additive, breaking, afterwards);
      expect((await migrate(additive, breaking)).isNew).to.equal(false);
      expect(await refusalOf(database.url, { migrations: [...MIGRATIONS, additive] })).to.match(/9\.2\.0/);
    });

    it('applies its own change beside a newer one', async () => {
      await migrate(additive);
      await migrate(newer('9000-own', { kind: 'additive' }));
      expect(await database.query(`SELECT to_regclass('"9000-own"') IS NOT NULL AS made`)).to.deep.equal([
        { made: true },
      ]);
    });

    it('refuses a change of which nothing is recorded', async () => {
      await migrate(additive);
      await database.query(`DELETE FROM migration_compatibility WHERE name = '9001-more'`);
      expect(await refusalOf(database.url)).to.match(/9001-more.*Run the version that did/);
    });

    it('records what a start that died after its migrations left out', async () => {
      await migrate(additive);
      await database.query('DELETE FROM migration_compatibility');
      await migrate(additive);
      expect((await prepareDatabase(database.url, WANTED)).isNew).to.equal(false);
    });
  });
});
