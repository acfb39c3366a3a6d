/** What the commands refuse before they touch anything, and what they say of it. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { SHARD_HASH } from '../runtime/sharding/shard-of.ts';
import { queueOfWorker } from '../messaging/rabbitmq/rabbitmq-transport.ts';
import { isOwnQueue, ordersTopology } from '../messaging/rabbitmq/topology.ts';
import { prepareDatabase } from '../persistence/postgres/prepare-database.ts';
import { createScratchDatabase, type ScratchDatabase } from '../test/support/scratch-database.ts';

/** Nothing listens there: who gets so far fails otherwise. */
const NO_BROKER = 'amqp://127.0.0.1:1';
const EXIT_USAGE = 2;

describe('commands', function () {
  this.timeout(60_000);
  let database: ScratchDatabase;

  before(async () => {
    database = await createScratchDatabase({ migrated: false });
    await prepareDatabase(database.url, { shards: 4, shardHash: SHARD_HASH });
  });
  after(async () => await database.drop());

  function run(command: string, ...args: readonly string[]) {
    return runOn(database.url, command, ...args);
  }

  function runOn(databaseUrl: string, command: string, ...args: readonly string[]) {
    return new Promise<{ code: number; stderr: string }>((resolve) => {
      const env = { PATH: process.env['PATH'], DATABASE_URL: databaseUrl, AMQP_URL: NO_BROKER };
      const program = fileURLToPath(new URL(`./${command}.ts`, import.meta.url));
      const child = execFile(process.execPath, ['--import', 'tsx', program, ...args], { env }, (_error, _out, stderr) =>
        resolve({ code: child.exitCode ?? -1, stderr }),
      );
    });
  }

  it('relay replay takes no queue of Holdfast’s own, and none without a name', async () => {
    for (const { name } of ordersTopology().queues) expect(isOwnQueue(name), name).to.equal(true);
    for (const name of [queueOfWorker('n-0'), 'orders.retry.7s']) expect(isOwnQueue(name), name).to.equal(true);
    for (const name of ['orders.retrying', 'shop.orders.commands', 'holdfast', 'orders.commands2'])
      expect(isOwnQueue(name), name).to.equal(false);
    const own = await run('relay', 'replay', '--queue', 'orders.commands');
    expect(own.code).to.equal(EXIT_USAGE);
    expect(own.stderr).to.match(/^relay: --queue orders\.commands is a queue of Holdfast's own/);
    expect((await run('relay', 'replay', '--queue', '')).stderr).to.match(/^relay: say with --queue/);
  });

  for (const [from, to] of [
    ['2027-01-01', '2020-01-01'],
    ['2027-01-01T00:00:00', '2027-01-01T01:00:00+02:00'],
  ] as const)
    it(`relay replay refuses times that nothing lies between: ${from} to ${to}`, async () => {
      const { code, stderr } = await run('relay', 'replay', '--queue', 'mine', '--from', from, '--to', to);
      expect(code).to.equal(EXIT_USAGE);
      expect(stderr.split('\n')[0]).to.equal(
        `relay: --from "${from}" is not before --to "${to}": no event can lie between them`,
      );
    });

  it('quarantine says that there is no such entity, and not that the database is at fault', async () => {
    const unknown = 'ord_019bc186-de00-7a9a-b202-e3cce335a4d4';
    const shown = await run('quarantine', 'show', unknown);
    expect(shown).to.deep.include({
      code: EXIT_USAGE,
      stderr: `quarantine: ${unknown} has no rows in the journal: there is no such entity. Check its id.\n`,
    });
    const retried = await run('quarantine', 'retry', unknown);
    expect(retried).to.deep.equal({ code: 2, stderr: `quarantine: ${unknown} is not set apart; see "list"\n` });
  });

  for (const [command, ...args] of [
    ['relay', 'status'],
    ['quarantine', 'list'],
    ['incarnation', 'show'],
  ] as const)
    it(`${command} says of a database without tables what helps`, async () => {
      const empty = await createScratchDatabase({ migrated: false });
      try {
        const { code, stderr } = await runOn(empty.url, command, ...args);
        expect(code).to.equal(2);
        expect(stderr).to.match(/^\w+: The database has no tables of this version yet: .*npm run -s migrate/);
      } finally {
        await empty.drop();
      }
    });
});
