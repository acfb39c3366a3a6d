import { expect } from 'chai';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { SHARD_HASH } from '../runtime/sharding/shard-of.ts';
import { prepareDatabase } from '../persistence/postgres/prepare-database.ts';
import { createScratchDatabase, type ScratchDatabase } from '../test/support/scratch-database.ts';

const COMMAND = fileURLToPath(new URL('./incarnation.ts', import.meta.url));

describe('npm run incarnation', function () {
  this.timeout(60_000);
  let database: ScratchDatabase;
  let original: string;

  before(async () => {
    database = await createScratchDatabase({ migrated: false });
    original = (await prepareDatabase(database.url, { shards: 4, shardHash: SHARD_HASH })).deploymentId;
  });
  after(async () => await database.drop());

  function incarnation(...args: readonly string[]) {
    return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      const env = { PATH: process.env['PATH'], DATABASE_URL: database.url };
      const child = execFile(
        process.execPath,
        ['--import', 'tsx', COMMAND, ...args],
        { env },
        (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
      );
    });
  }

  const member = (ends: string) =>
    database.query(`INSERT INTO members (worker_id, node_id, slot, host, socket_path, pid, version, draining, has_broker, expires_at)
      VALUES ('w', 'n', 0, 'h', 's', 1, '1', false, true, now() + interval '${ends}')
      ON CONFLICT (worker_id) DO UPDATE SET expires_at = excluded.expires_at`);

  it('refuses new and resume while nodes run, and resume where the database is no copy', async () => {
    await member('1 minute');
    for (const action of ['new', 'resume']) {
      const { code, stderr } = await incarnation(action);
      expect(code).to.equal(1);
      expect(stderr).to.contain('1 workers run on this database. Stop its nodes');
    }
    await member('-1 minute');
    const { code, stderr } = await incarnation('resume');
    expect(code).to.equal(1);
    expect(stderr).to.contain('no copy');
    expect((await incarnation('show')).stdout)
      .to.contain(`deployment ${original}\n1 `)
      .and.not.contain('\n2 ');
  });

  it('begins an incarnation, makes a copy of it, and lets it go on in place of the original', async () => {
    expect((await incarnation('new')).stdout)
      .to.contain(`deployment ${original}\n`)
      .and.contain('from epoch 10000');
    const copy = await incarnation('new', '--as-copy');
    expect(copy.stdout).to.contain(`a copy of ${original}\n`).and.not.contain(`deployment ${original}`);
    expect((await incarnation('resume')).stdout).to.contain(`deployment ${original}\n`);
  });

  it('says what it takes', async () => {
    expect((await incarnation('--help')).code).to.equal(0);
    for (const args of [[], ['nw'], ['show', '--as-copy']]) expect((await incarnation(...args)).code).to.equal(2);
  });
});
