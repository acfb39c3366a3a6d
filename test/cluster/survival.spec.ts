/**
 * What a node, and two nodes that share a database, survive: owners that freeze, statements left half-sent, sessions
 * that hang, events that can't be read, workers that are restarted. Real processes and a real server.
 */
import { connect } from 'node:net';
import { expect } from 'chai';
import { DatabaseProxy } from '../../chaos/proxy/database-proxy.ts';
import { createScratchDatabase, type ScratchDatabase } from '../support/scratch-database.ts';
import { orderOf, TestNode, waitUntil } from './node-harness.ts';

const PRODUCTS = Array.from({ length: 12 }, (_, index) => `P${index}`);
const CALLERS = 8;

describe('survival', () => {
  let database: ScratchDatabase;
  let nodes: TestNode[];
  let proxies: DatabaseProxy[];

  beforeEach(async () => {
    database = await createScratchDatabase({ migrated: false });
    nodes = [];
    proxies = [];
  });
  afterEach(async () => {
    for (const node of nodes) await node.remove();
    for (const proxy of proxies) await proxy.close();
    await database.drop();
  });

  async function startNode(environment: Record<string, string> = {}): Promise<TestNode> {
    const node = await TestNode.create({ DATABASE_URL: database.url, ...environment });
    nodes.push(node);
    await node.start();
    return node;
  }

  /** A node whose only way to the database is a proxy. */
  async function startProxied(environment: Record<string, string> = {}): Promise<[TestNode, DatabaseProxy]> {
    const url = new URL(database.url);
    const folder = url.searchParams.get('host');
    const proxy = await DatabaseProxy.open(
      folder === null
        ? { host: url.hostname, port: Number(url.port || 5432) }
        : { path: `${folder}/.s.PGSQL.${url.port || 5432}` },
    );
    proxies.push(proxy);
    url.searchParams.delete('host');
    url.hostname = '127.0.0.1';
    url.port = String(proxy.port);
    return [await startNode({ DATABASE_URL: url.href, ...environment }), proxy];
  }

  async function stockUp(node: TestNode, onHand = 100_000): Promise<void> {
    const items = PRODUCTS.map((productId) => ({ productId, onHand }));
    expect((await node.request('POST', '/api/v1/stock/batch', { json: { items } })).status).to.equal(200);
  }

  const twoLines = (n: number): unknown =>
    orderOf([
      [PRODUCTS[n % PRODUCTS.length]!, 1],
      [PRODUCTS[(n + 5) % PRODUCTS.length]!, 1],
    ]);

  /** Places orders one after another with several callers until `until` resolves; each until it is answered. */
  async function loadUntil(node: TestNode, name: string, until: Promise<unknown>): Promise<number> {
    let over = false;
    const ended = until.finally(() => (over = true));
    let placed = 0;
    const caller = async (index: number): Promise<void> => {
      for (let n = 0; !over; n++) {
        await node.placeSurely(`${name}-${index}-${n}`, twoLines(n + index));
        placed++;
      }
    };
    await Promise.all([ended, ...Array.from({ length: CALLERS }, (_, index) => caller(index))]);
    return placed;
  }

  async function signal(node: TestNode, what: 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    for (const pid of [node.pid, ...(await node.workerPids())]) process.kill(pid, what);
  }

  async function owners(node: TestNode): Promise<(string | null)[]> {
    const { body } = await node.admin('GET', '/cluster/shards');
    return (body as unknown as { data: { owner: string | null }[] }).data.map(({ owner }) => owner);
  }

  async function expectAuditClean(node: TestNode): Promise<void> {
    const audit = await node.command('audit');
    expect(audit.code, audit.output).to.equal(0);
  }

  it('a node that was frozen past its lease finds its shards elsewhere, and what it says then is true', async () => {
    const [sleeper, waker] = [await startNode(), await startNode()];
    await stockUp(waker);
    await loadUntil(sleeper, 'before', new Promise((resolve) => setTimeout(resolve, 500)));
    await signal(sleeper, 'SIGSTOP');
    const whileAsleep = loadUntil(waker, 'asleep', new Promise((resolve) => setTimeout(resolve, 5_000)));
    await waitUntil('all shards to be the other node’s', async () => new Set(await owners(waker)).size <= 2);
    // Sent to one that sleeps: answered after it wakes, by what is true then.
    const late = sleeper.placeSurely('late', twoLines(1));
    expect(await whileAsleep, 'orders meanwhile').to.be.greaterThan(10);
    await signal(sleeper, 'SIGCONT');
    const { orderId } = await late;
    expect((await waker.request('GET', `/api/v1/orders/${orderId}`)).body.status).to.equal('Confirmed');
    expect((await waker.placeSurely('late', twoLines(1))).orderId, 'one order a key').to.equal(orderId);
    await waitUntil('shards on all four workers', async () => new Set(await owners(waker)).size === 4);
    await loadUntil(sleeper, 'after', new Promise((resolve) => setTimeout(resolve, 500)));
    await expectAuditClean(waker);
  });

  it('a statement that a frozen owner left half-sent does not keep its shards from the next', async () => {
    const [sleeper, proxy] = await startProxied();
    const waker = await startNode();
    await stockUp(waker);
    let begun = 0;
    for (const session of proxy.journalSessions) session.withholdNextStatement(() => begun++);
    // Several: a single order and its products may all belong to the other node.
    const sent = Array.from({ length: 12 }, (_, n) => sleeper.placeSurely(`half-sent-${n}`, twoLines(n)));
    await waitUntil('a statement to lie half-sent', () => begun > 0);
    await signal(sleeper, 'SIGSTOP');
    await waitUntil('all shards to be the other node’s', async () => new Set(await owners(waker)).size <= 2);
    for (let n = 0; n < PRODUCTS.length; n++) await waker.placeSurely(`other-${n}`, twoLines(n));
    await signal(sleeper, 'SIGCONT');
    for (const session of proxy.journalSessions) session.endWithholding('delivered');
    for (const [n, order] of sent.entries()) {
      const { orderId } = await order;
      expect((await waker.placeSurely(`half-sent-${n}`, twoLines(n))).orderId).to.equal(orderId);
    }
    await expectAuditClean(waker);
  });

  it('a journal session that hangs turns ready false, and its shards are served again over another one', async () => {
    const [node, proxy] = await startProxied({ WORKERS: '1' });
    await stockUp(node);
    expect((await node.request('GET', '/health/ready')).status).to.equal(200);
    for (const session of proxy.journalSessions) session.blackHole('swallowed');
    const order = node.placeSurely('hung', twoLines(0));
    await waitUntil('ready to turn false', async () => (await node.request('GET', '/health/ready')).status === 503);
    await waitUntil('the admin port to say so', async () => (await node.admin('GET', '/health/ready')).status === 503);
    await order;
    await waitUntil('ready again', async () => (await node.request('GET', '/health/ready')).status === 200);
    await expectAuditClean(node);
  });

  it('a worker that says nothing is replaced, and its shards are served by the other meanwhile', async () => {
    const node = await startNode();
    await stockUp(node);
    const [frozen, other] = await node.workerPids();
    process.kill(frozen!, 'SIGSTOP');
    await waitUntil('the other to own all', async () => new Set(await owners(node)).size === 1);
    // Connections that the frozen one was handed are closed when it is replaced; then these are sent again.
    await Promise.all(PRODUCTS.map((_, n) => node.placeSurely(`silent-${n}`, twoLines(n))));
    await waitUntil('its successor to own shards', async () => new Set(await owners(node)).size === 2);
    const pids = await node.workerPids();
    expect(pids).to.include(other).and.not.include(frozen);
    const { text } = await node.admin('GET', '/health/supervision');
    expect(text).to.contain('SIGKILL');
    await expectAuditClean(node);
  });

  it('workers that are restarted one after another lose no request', async () => {
    const node = await startNode();
    await stockUp(node);
    const failures: string[] = [];
    let over = false;
    const caller = async (index: number): Promise<number> => {
      let placed = 0;
      for (; !over; placed++) {
        const { status, body } = await node.request('POST', '/api/v1/orders', {
          json: twoLines(placed + index),
          headers: { prefer: 'wait=20' },
        });
        if (status !== 201 || body.status !== 'Confirmed') failures.push(`${status} ${body.code ?? body.status}`);
      }
      return placed;
    };
    const callers = Promise.all(Array.from({ length: CALLERS }, (_, index) => caller(index)));
    for (const slot of ['0', '1', '0']) {
      const before = new Set(await owners(node));
      expect((await node.admin('POST', `/cluster/workers/${slot}/restart`, 'customer')).status).to.equal(403);
      await waitUntil('the restart to be taken on', async () => {
        const { status } = await node.admin('POST', `/cluster/workers/${slot}/restart`);
        expect(status).to.be.oneOf([202, 409]); // 409: its neighbour is not back yet
        return status === 202;
      });
      await waitUntil('its successor to own shards', async () => {
        const now = new Set(await owners(node));
        return now.size === 2 && [...now].some((owner) => !before.has(owner));
      });
      await waitUntil('the node to be ready', async () => (await node.admin('GET', '/health/ready')).status === 200);
    }
    over = true;
    const placed = (await callers).reduce((sum, count) => sum + count, 0);
    expect(failures).to.deep.equal([]);
    expect(placed).to.be.greaterThan(20);
    await expectAuditClean(node);
  });

  it('a client that comes while a worker is frozen is served by the others, and not when that one is well again', async () => {
    const node = await startNode({ WORKERS: '2' });
    const [worker] = await node.workerPids();
    process.kill(worker!, 'SIGSTOP');
    try {
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => fetch(`${node.url}/health/live`, { signal: AbortSignal.timeout(2_000) })),
      );
      expect(answers.map(({ status }) => status)).to.deep.equal(Array.from({ length: 20 }, () => 200));
    } finally {
      process.kill(worker!, 'SIGKILL');
    }
  });

  it('a client that came when the only worker was frozen and died is not left waiting', async () => {
    const node = await startNode({ WORKERS: '1' });
    const [worker] = await node.workerPids();
    process.kill(worker!, 'SIGSTOP');
    const socket = connect({ port: Number(new URL(node.url).port), host: '127.0.0.1' });
    const heard = new Promise((resolve) => socket.once('close', resolve).once('data', resolve));
    socket.on('error', () => undefined).write('GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n');
    await new Promise((resolve) => setTimeout(resolve, 300)); // the system has taken the connection
    process.kill(worker!, 'SIGKILL');
    await heard;
    socket.destroy();
    await waitUntil('its successor', async () => (await node.request('GET', '/health/live')).status === 200);
  });

  it('an order with a damaged event answers an error alone, and comes back once it is mended', async () => {
    const node = await startNode();
    await stockUp(node);
    const { orderId } = await node.placeSurely('damaged', twoLines(0));
    const { orderId: sound } = await node.placeSurely('sound', twoLines(1));
    const entityId = `ord_${orderId}`;
    await node.stop(); // nothing of it is in memory any more
    const [saved] = await database.query('SELECT events::text FROM journal WHERE entity_id = $1 AND version = 2', [
      entityId,
    ]);
    const write = (events: string) =>
      database.query('UPDATE journal SET events = $2::json WHERE entity_id = $1 AND version = 2', [entityId, events]);
    await write('[{"type":"OrderExploded"}]');
    await node.start();

    const refused = await node.request('GET', `/api/v1/orders/${orderId}`);
    expect([refused.status, refused.body.code]).to.deep.equal([503, 'unavailable']);
    expect((await node.request('GET', `/api/v1/orders/${sound}`)).status).to.equal(200);
    await node.placeSurely('another', twoLines(2));
    await waitUntil('the health page to show it', async () => {
      const { text } = await node.admin('GET', '/health/supervision');
      return text.includes(entityId);
    });
    const listed = await node.command('quarantine', 'list');
    expect([listed.code, listed.output.includes(entityId)]).to.deep.equal([1, true]);
    expect((await node.command('quarantine', 'show', entityId)).output).to.contain('version 2');
    expect((await node.command('quarantine', 'retry', entityId)).code, 'not mended yet').to.equal(1);

    await write(saved!['events'] as string);
    const retried = await node.command('quarantine', 'retry', entityId);
    expect(retried.code, retried.output).to.equal(0);
    expect((await node.request('GET', `/api/v1/orders/${orderId}`)).body.status).to.equal('Confirmed');
    expect((await node.command('quarantine', 'list')).code).to.equal(0);
    await expectAuditClean(node);
  });

  it('hundreds of reservations that expire while the node is killed: each once, none early', async () => {
    const node = await startNode({ RESERVATION_TTL_SECONDS: '4' });
    await stockUp(node);
    const manual = { ...(twoLines(0) as object), confirmation: 'manual' };
    const orders = await Promise.all(
      Array.from({ length: 300 }, async () => {
        const { status, body } = await node.request('POST', '/api/v1/orders', { json: manual });
        expect(status).to.equal(201);
        return body.orderId;
      }),
    );
    await waitUntil('all to wait for a person', async () => {
      const [row] = await database.query(
        `SELECT count(*)::int AS n FROM order_view WHERE status = 'PaymentAuthorized'`,
      );
      return row!['n'] === orders.length;
    });
    await node.killAll();
    await node.start();
    await waitUntil('all to be cancelled', async () => {
      const [row] = await database.query(
        `SELECT count(*)::int AS n FROM order_view WHERE status = 'Cancelled' AND settled`,
      );
      return row!['n'] === orders.length;
    });
    const [ends] = await database.query(
      `SELECT count(*)::int AS rows, count(DISTINCT c.entity_id)::int AS orders,
              min(extract(epoch FROM c.at - p.at)) AS earliest
       FROM journal c JOIN journal p ON p.entity_id = c.entity_id AND p.version = 1
       WHERE c.entity_id LIKE 'ord\\_%' AND c.events::text LIKE '%"OrderCancellationRequested"%'`,
    );
    expect([ends!['rows'], ends!['orders']]).to.deep.equal([orders.length, orders.length]);
    expect(Number(ends!['earliest'])).to.be.at.least(4);
    const { body } = await node.request('GET', `/api/v1/orders/${orders[0]}`);
    expect(body.cancellation?.code).to.equal('reservation_expired');
    await expectAuditClean(node);
  });
});
