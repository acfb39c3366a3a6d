/** Replay and audit as their user meets them: against a real node that they start themselves. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { TestNode } from '../test/cluster/node-harness.ts';
import { createScratchDatabase, type ScratchDatabase } from '../test/support/scratch-database.ts';
import type { AuditReport } from './audit-report.ts';
import type { ReplayReport } from './replay/replay-report.ts';

const DATA = fileURLToPath(new URL('../test/data/', import.meta.url));
const INVOICES = path.join(DATA, 'awkward-invoices.csv');
const STOCK = path.join(DATA, 'awkward-invoices-stock.csv');

describe('npm run replay and audit', function () {
  this.timeout(120_000);
  let database: ScratchDatabase;
  let node: TestNode;

  beforeEach(async () => {
    database = await createScratchDatabase({ migrated: false });
    node = await TestNode.create({ DATABASE_URL: database.url });
  });
  afterEach(async () => {
    await node.remove();
    await database.drop();
  });

  const reportOf = async <T>(name: string): Promise<T> =>
    JSON.parse(await readFile(path.join(node.dataDir, name), 'utf8')) as T;

  it('replays a file into a node of its own, recognises it the second time, and finds one changed penny', async () => {
    const report = path.join(node.dataDir, 'report.json');
    const first = await node.command('replay', INVOICES, '--json', report);
    expect(first.output).to.include('REPLAY RIGHT');
    expect(first.code).to.equal(0);
    const { verdict, figures, checks } = await reportOf<ReplayReport>('report.json');
    expect({ verdict, placed: figures.placed, orderLines: figures.orderLines }).to.deep.equal({
      verdict: 'right',
      placed: 4,
      orderLines: 7,
    });
    expect(checks.every(({ ok }) => ok)).to.equal(true);

    const second = await node.command('replay', INVOICES, '--json', report);
    expect(second.code, second.output).to.equal(0);
    expect((await reportOf<ReplayReport>('report.json')).figures).to.include({ placed: 0, recognised: 4 });
    const audit = await node.command('audit', '--json', report);
    expect(audit.code, audit.output).to.equal(0);
    expect((await reportOf<AuditReport>('report.json')).totals['ordersByStatus']).to.deep.equal({ Confirmed: 4 });

    await database.query("UPDATE order_view SET total_amount = total_amount + 1 WHERE external_reference = '700001'");
    const third = await node.command('replay', INVOICES);
    expect(third.code).to.equal(1);
    expect(third.output).to.match(/\(invoice 700001\): order view: expected totalAmount 1950; found 1951/);
    const damaged = await node.command('audit');
    expect(damaged.code).to.equal(1);
    expect(damaged.output).to.include('violated invariants 3');
  });

  it('with one unit less of one product: exactly the orders fail that the simulation says', async () => {
    const { code, output } = await node.command('replay', INVOICES, '--stock', STOCK, '--concurrency', '1');
    expect(output).to.match(/Cancelled: insufficient_inventory +1 +1 +ok/);
    expect(output).to.match(/exactly the orders fail that the simulation says +700001 +the same +ok/);
    expect(code).to.equal(0);
    expect((await node.command('audit')).code).to.equal(0);
  });

  it('confirms the orders of two files that want the same products, and judges both right again', async () => {
    await node.start();
    const other = path.join(node.dataDir, 'other.csv');
    const renumbered = (await readFile(INVOICES, 'utf8')).replaceAll(/^(C?)7000/gm, (_, mark: string) => `${mark}7100`);
    await writeFile(other, renumbered);
    for (const file of [INVOICES, other, INVOICES, other]) {
      const { code, output } = await node.command('replay', file);
      expect(code, output).to.equal(0);
    }
    const statuses = await database.query('SELECT status, count(*)::int AS orders FROM order_view GROUP BY status');
    expect(statuses).to.deep.equal([{ status: 'Confirmed', orders: 8 }]);
    expect((await node.command('audit')).code).to.equal(0);
  });

  it('sends to a node that runs, and leaves it running', async () => {
    await node.start();
    const { code, output } = await node.command('replay', INVOICES, '--rate', '100', '--concurrency', '2');
    expect(code, output).to.equal(0);
    expect(output).not.to.include('starting one');
    expect((await node.request('GET', '/health/ready')).status).to.equal(200);
  });

  it('refuses an invoice that comes back with other lines, and places it not again', async () => {
    await node.start();
    await node.command('replay', INVOICES);
    const changed = path.join(node.dataDir, 'changed.csv');
    await writeFile(changed, (await readFile(INVOICES, 'utf8')).replace('GIFT,3', 'GIFT,4'));
    const { code, output } = await node.command('replay', changed);
    expect(code).to.equal(1);
    expect(output).to.include('invoice 700004: refused with 422 idempotency_mismatch');
  });

  const impossible: readonly (readonly [
    what: string,
    command: string,
    args: readonly string[],
    code: number,
    message: RegExp,
  ])[] = [
    ['help', 'replay', ['--help'], 0, /^Usage: npm run -s replay/],
    ['help', 'audit', ['--help'], 0, /^Usage: npm run -s audit/],
    ['no file', 'replay', [], 2, /the CSV file is missing/],
    ['an unknown option', 'replay', [INVOICES, '--fast'], 2, /Unknown option '--fast'/],
    ['a concurrency of none', 'replay', [INVOICES, '--concurrency', '0'], 2, /--concurrency "0"/],
    ['a file that is none', 'replay', ['/nowhere.csv'], 1, /nowhere\.csv: ENOENT/],
    [
      'a report that can not be written',
      'replay',
      [INVOICES, '--json', '/nowhere/report.json'],
      1,
      /--json \/nowhere\/report\.json/,
    ],
    [
      'a node that is not there',
      'replay',
      [INVOICES, '--url', 'http://127.0.0.1:1'],
      1,
      /No node answers|does not answer/,
    ],
    ['a grace that is no number', 'audit', ['--settle-grace-seconds', 'x'], 2, /--settle-grace-seconds "x"/],
    ['a database without a journal', 'audit', [], 2, /has no journal/],
  ];
  for (const [what, command, args, code, message] of impossible) {
    it(`${command}: answers ${what} clearly, with exit code ${code}`, async () => {
      const answer = await node.command(command, ...args);
      expect(answer.output).to.match(message);
      expect(answer.code).to.equal(code);
    });
  }
});
