/** The admin port over real HTTP, its node faked: what each path shows, and who may have something done. */
import { expect } from 'chai';
import { request, type IncomingMessage } from 'node:http';
import { connect, createServer } from 'node:net';
import { hostname } from 'node:os';
import type { Member, Membership } from '../../persistence/ports.ts';
import { Problem } from '../problems.ts';
import { unauthenticated } from '../unauthenticated.ts';
import { StartupError } from '../../kernel/errors.ts';
import { silentLog } from '../../test/support/silent-log.ts';
import { type AdminDeps, AdminServer, type NodeStatus } from './admin-server.ts';
import type { WorkerReport } from '../../supervisors/worker-report.ts';
import type { WorkerStatus } from '../../supervisors/worker-supervisor.ts';

const HOST = '127.0.0.1';
/** Long enough for every other test. */
const HALF_OPEN_MS = 1_000;

const idle = { live: 0, mailboxDepth: 0, mailboxAgeMs: 0 };
const reportOf = (changes: Partial<WorkerReport> = {}): WorkerReport => ({
  checks: { database: { status: 'up', latencyMs: 1 }, shards: { status: 'up' } },
  shards: { served: 2, missing: 0 },
  actors: { order: { live: 3, mailboxDepth: 2, mailboxAgeMs: 7 }, reservation: idle, payment: idle, stock: idle },
  directives: { resume: 0, restart: 1, stop: 0, escalate: 0 },
  lastFailures: [
    { at: '2026-01-15T12:00:00.000Z', kind: 'stock', entityId: 'stk_P1', error: 'a bug', directive: 'restart' },
  ],
  quarantined: { count: 1, entityIds: ['stk_P9'] },
  wakeUps: 0,
  parkedAsks: 0,
  failing: [],
  deadLetters: 0,
  journal: { waitingRows: 0, commits: 5, rows: 9, stalledMs: 0 },
  projections: { lagRows: 4, lagMs: 9 },
  http: { inFlight: 0, unfinishedBodies: 0 },
  clockSkewMs: 0,
  eventLoopDelayMaxMs: 3,
  rssBytes: 1,
  ...changes,
});

const workerOf = (slot: number, changes: Partial<WorkerStatus> = {}): WorkerStatus => ({
  workerId: `w${slot}-abc`,
  slot,
  pid: 100 + slot,
  phase: 'ready',
  restarts: slot,
  lastFailure: undefined,
  report: reportOf(),
  ...changes,
});

const memberOf = (workerId: string, nodeId: string): Member => ({
  workerId,
  nodeId,
  slot: 0,
  host: 'machine-1',
  socketPath: '/run/private.sock',
  pid: 7,
  version: '0.1.0',
  hasBroker: false,
  draining: false,
});

describe('the admin port', () => {
  let admin: AdminServer;
  let base: string;
  let status: NodeStatus;
  let membership: () => Promise<Membership | undefined>;
  /** What an operator had done. */
  let done: string[];
  let tokens: (string | undefined)[];

  beforeEach(async () => {
    status = {
      nodeId: 'node-1',
      phase: 'running',
      ready: true,
      shards: 4,
      intensity: { restarts: 1, restartsMax: 10, windowSeconds: 60 },
      workers: [workerOf(0), workerOf(1, { lastFailure: { at: '2026-01-15T12:00:00.000Z', reason: 'SIGKILL' } })],
    };
    membership = () =>
      Promise.resolve({
        members: [memberOf('w0-abc', 'node-1'), memberOf('w0-def', 'node-2')],
        owners: ['w0-abc', 'w0-def', null, 'w0-abc'],
      });
    done = [];
    tokens = [];
    const deps: AdminDeps = {
      log: silentLog,
      status: () => status,
      membership: () => membership(),
      authorize: (authorization) => {
        tokens.push(authorization);
        if (authorization === undefined) return Promise.reject(unauthenticated('A token is needed.', false));
        if (authorization === 'Bearer admin') return Promise.resolve();
        return Promise.reject(new Problem('forbidden', 'Only the role admin may do this.'));
      },
      restartWorker: (id) => {
        if (id === 'busy') return 'busy';
        if (!['w1-abc', '1'].includes(id)) return 'unknown';
        done.push(`restart ${id}`);
        return 'restarting';
      },
      drain: () => done.push('drain'),
    };
    admin = new AdminServer(deps, HALF_OPEN_MS);
    base = `http://${HOST}:${await admin.listen(0, HOST)}`;
  });
  afterEach(() => admin.close());

  const get = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(base + path, init);
    const text = await response.text();
    const body = (text === '' ? undefined : JSON.parse(text)) as Record<string, unknown>;
    return { status: response.status, headers: response.headers, body };
  };
  const post = (path: string, token?: string) =>
    get(path, { method: 'POST', ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }) });

  describe('health', () => {
    it('live says that the process is there, whatever the rest does', async () => {
      status = { ...status, ready: false, workers: [] };
      membership = () => Promise.reject(new Error('away'));
      const { status: code, body, headers } = await get('/health/live');
      expect([code, body]).to.deep.equal([200, { status: 'ok' }]);
      expect(headers.get('cache-control')).to.equal('no-store');
      expect(headers.get('content-type')).to.equal('application/json');
    });

    it('ready tells each dependency as the worker finds it that finds it worst', async () => {
      expect((await get('/health/ready')).status).to.equal(200);
      const down = { status: 'down', detail: 'refused', since: '2026-01-15T12:00:00.000Z' } as const;
      const ill = workerOf(1, { report: reportOf({ checks: { database: down, shards: { status: 'up' } } }) });
      for (const workers of [
        [workerOf(0), ill],
        [ill, workerOf(0)],
      ]) {
        status = { ...status, ready: false, workers };
        const { status: code, body } = await get('/health/ready');
        expect(code).to.equal(503);
        expect(body).to.deep.include({ status: 'unavailable', checks: { database: down, shards: { status: 'up' } } });
        expect(body['workers']).to.deep.include({ workerId: 'w0-abc', slot: 0, pid: 100, phase: 'ready', restarts: 0 });
      }
    });

    it('startup tells what the node is doing, and how many shards are served', async () => {
      expect(await get('/health/startup')).to.deep.include({
        status: 200,
        body: { status: 'started', phase: 'running', recovery: { shardsServed: 4, shards: 4 } },
      });
      const workers = [workerOf(0), workerOf(1, { report: undefined, phase: 'starting' })];
      status = { ...status, ready: false, phase: 'recovering', workers };
      expect(await get('/health/startup')).to.deep.include({
        status: 503,
        body: { status: 'starting', phase: 'recovering', recovery: { shardsServed: 2, shards: 4 } },
      });
    });

    it('supervision shows the tree: the node, its restarts, its workers, their kinds and failures', async () => {
      const { status: code, body } = await get('/health/supervision');
      expect(code).to.equal(200);
      const node = body['node'] as Record<string, unknown> & { workers: Record<string, unknown>[] };
      expect(node).to.deep.include({
        nodeId: 'node-1',
        phase: 'running',
        ready: true,
        intensity: { restarts: 1, restartsMax: 10, windowSeconds: 60 },
      });
      expect(node.workers).to.have.length(2);
      const [first, second] = node.workers as [Record<string, unknown>, Record<string, unknown>];
      expect(first).to.deep.include({
        workerId: 'w0-abc',
        restarts: 0,
        quarantined: { count: 1, entityIds: ['stk_P9'] },
      });
      expect(first).not.to.have.property('lastFailure');
      expect((first['actors'] as Record<string, unknown>)['order']).to.deep.equal({
        live: 3,
        mailboxDepth: 2,
        mailboxAgeMs: 7,
      });
      expect((first['lastFailures'] as unknown[])[0]).to.deep.include({ entityId: 'stk_P1', directive: 'restart' });
      expect(second).to.deep.include({
        restarts: 1,
        lastFailure: { at: '2026-01-15T12:00:00.000Z', reason: 'SIGKILL' },
      });
    });
  });

  describe('the cluster', () => {
    it('members are shown with what they own; where they listen is not', async () => {
      const { status: code, body } = await get('/cluster/members?limit=1');
      expect(code).to.equal(200);
      const data = body['data'] as Record<string, unknown>[];
      expect(data.map(({ workerId, thisNode, shards }) => [workerId, thisNode, shards])).to.deep.equal([
        ['w0-abc', true, 2],
        ['w0-def', false, 1],
      ]);
      expect(JSON.stringify(body)).not.to.include('private.sock');
    });

    it('shards are shown with their owners', async () => {
      expect((await get('/cluster/shards')).body).to.deep.equal({
        data: [
          { shard: 0, owner: 'w0-abc' },
          { shard: 1, owner: 'w0-def' },
          { shard: 2, owner: null },
          { shard: 3, owner: 'w0-abc' },
        ],
      });
    });

    for (const path of ['/cluster/members', '/cluster/shards']) {
      it(`${path} is unavailable while the node has no database yet, and while it is away`, async () => {
        status = { ...status, phase: 'migrating the database' };
        membership = () => Promise.resolve(undefined);
        const starting = await get(path);
        expect(starting.status).to.equal(503);
        expect(starting.body).to.include({
          code: 'unavailable',
          retryable: true,
          detail: 'The node is starting: migrating the database.',
        });
        expect(starting.headers.get('retry-after')).to.equal('2');
        expect(starting.headers.get('content-type')).to.equal('application/problem+json');
        membership = () => Promise.reject(new Error('connection refused at 10.0.0.7'));
        const away = await get(path);
        expect(away.status).to.equal(503);
        expect(away.body).to.include({ code: 'unavailable', retryable: true });
        expect(JSON.stringify(away.body), 'what it says is for outsiders').not.to.include('10.0.0.7');
      });
    }
  });

  describe('what an operator can do', () => {
    for (const [path, action] of [
      ['/cluster/drain', 'drain'],
      ['/cluster/workers/w1-abc/restart', 'restart w1-abc'],
      ['/cluster/workers/1/restart', 'restart 1'],
    ] as const) {
      it(`POST ${path} needs an admin`, async () => {
        const stranger = await post(path);
        expect([stranger.status, stranger.body['code']]).to.deep.equal([401, 'unauthenticated']);
        expect(stranger.headers.get('www-authenticate')).to.match(/^Bearer /);
        const customer = await post(path, 'customer');
        expect([customer.status, customer.body['code']]).to.deep.equal([403, 'forbidden']);
        expect(done).to.deep.equal([]);
        expect((await post(path, 'admin')).status).to.equal(202);
        expect(done).to.deep.equal([action]);
        expect(tokens).to.deep.equal([undefined, 'Bearer customer', 'Bearer admin']);
      });

      it(`GET ${path} does nothing`, async () => {
        const { status: code } = await get(path, { headers: { authorization: 'Bearer admin' } });
        expect(code).to.equal(405);
        expect(done).to.deep.equal([]);
      });
    }

    it('a restart while another worker is not ready is refused', async () => {
      const { status: code, body } = await post('/cluster/workers/busy/restart', 'admin');
      expect([code, body['code']]).to.deep.equal([409, 'illegal_transition']);
    });

    it('a worker that is not there is not found', async () => {
      const { status: code, body } = await post('/cluster/workers/w9-xyz/restart', 'admin');
      expect([code, body['code']]).to.deep.equal([404, 'not_found']);
      expect(done).to.deep.equal([]);
    });

    it('who is no admin does not learn which workers there are', async () => {
      expect((await post('/cluster/workers/w9-xyz/restart')).status).to.equal(401);
    });
  });

  it('other paths are not found and other methods not allowed, without a question for a token', async () => {
    for (const [method, path] of [
      ['GET', '/'],
      ['GET', '/health'],
      ['GET', '/cluster/workers'],
      ['POST', '/cluster/workers/a%2Fb/restart'],
    ] as const) {
      const { status: code, body } = await get(path, { method, headers: { authorization: 'Bearer admin' } });
      expect([code, body['code']], `${method} ${path}`).to.deep.equal([404, 'not_found']);
    }
    for (const [method, path, allow] of [
      ['POST', '/health/live', 'GET, HEAD'],
      ['GET', '/cluster/drain', 'POST'],
      ['DELETE', '/cluster/drain', 'POST'],
      ['PUT', '/cluster/workers/1/restart', 'POST'],
    ] as const) {
      const { status: code, body, headers } = await get(path, { method, headers: { authorization: 'Bearer admin' } });
      expect([code, body['code'], headers.get('allow')]).to.deep.equal([405, 'method_not_allowed', allow]);
    }
    expect([done, tokens]).to.deep.equal([[], []]);
  });

  describe('its doors', () => {
    /** As `fetch` can't: it writes Host by itself. */
    const ask = (method: string, path: string, headers: Record<string, string>): Promise<IncomingMessage> =>
      new Promise((resolve, reject) => {
        const { port } = new URL(base);
        const sent = request({ host: HOST, port, method, path, headers }, (response) => {
          response.resume();
          resolve(response);
        });
        sent.on('error', reject).end();
      });

    it('answer to names of this machine alone', async () => {
      for (const host of ['localhost', 'LOCALHOST:3001', '127.0.0.9', '[::1]:3001', '10.0.0.7:3001', hostname()]) {
        expect((await ask('GET', '/cluster/members', { host })).statusCode, host).to.equal(200);
      }
      for (const host of ['evil.example', 'localhost.evil.example:3001', '127.0.0.1.evil.example', 'a b']) {
        expect((await ask('GET', '/health/live', { host })).statusCode, host).to.be.oneOf([400, 421]);
        expect((await ask('POST', '/cluster/drain', { host, authorization: 'Bearer admin' })).statusCode).to.be.oneOf([
          400, 421,
        ]);
      }
      expect(done).to.deep.equal([]);
    });

    it('are shut to posts from other sites, and to frames', async () => {
      const own = new URL(base).host;
      const authorization = 'Bearer admin';
      for (const headers of [
        { origin: 'https://evil.example' },
        { origin: 'null' },
        { 'sec-fetch-site': 'cross-site' },
        { 'sec-fetch-site': 'same-site' },
      ]) {
        expect((await ask('POST', '/cluster/drain', { authorization, ...headers })).statusCode).to.equal(403);
      }
      expect(done).to.deep.equal([]);
      expect((await ask('POST', '/cluster/drain', { authorization, origin: `http://${own}` })).statusCode).to.equal(
        202,
      );
      for (const path of ['/health/live', '/cluster/members', '/nothing']) {
        const { headers } = await ask('GET', path, {});
        expect(headers['x-content-type-options']).to.equal('nosniff');
        expect(headers['content-security-policy']).to.include("frame-ancestors 'none'");
        expect(headers['request-id']).to.match(/^[!-~]+$/);
      }
    });

    it('show members, processes and host names to others only with an admin token', async () => {
      const others = { 'x-forwarded-for': '192.0.2.1' };
      for (const name of ['via', 'forwarded', 'x-real-ip', 'x-forwarded-host', 'cf-connecting-ip']) {
        expect((await get('/cluster/members', { headers: { [name]: '192.0.2.1' } })).status, name).to.equal(401);
      }
      for (const path of ['/cluster/members', '/cluster/shards', '/health/supervision']) {
        const refused = await get(path, { headers: others });
        expect([refused.status, refused.body['code']], path).to.deep.equal([401, 'unauthenticated']);
        expect(refused.body['requestId']).to.equal(refused.headers.get('request-id'));
        expect((await get(path, { headers: { ...others, authorization: 'Bearer admin' } })).status).to.equal(200);
      }
      const ready = await get('/health/ready', { headers: others });
      expect([ready.status, 'workers' in ready.body]).to.deep.equal([200, false]);
      expect((await get('/health/live', { headers: others })).status).to.equal(200);
    });
  });

  it('answers what its parser refuses, and every refusal, with a problem that has a Request-Id', async () => {
    const answerTo = async (bytes: string): Promise<string> => {
      const socket = connect(Number(new URL(base).port), HOST);
      socket.write(bytes);
      let received = '';
      for await (const chunk of socket) received += (chunk as Buffer).toString('latin1');
      return received;
    };
    const refused: readonly (readonly [string, number, string])[] = [
      ['hello\r\n\r\n', 400, 'malformed_request'],
      ['GET /health/live HTTP/1.1\r\nconnection: close\r\n\r\n', 400, 'malformed_request'],
      [`GET / HTTP/1.1\r\nhost: x\r\ny: ${'y'.repeat(20_000)}\r\n\r\n`, 431, 'header_fields_too_large'],
      ['GET / HTTP/1.1\r\nhost: localhost\r\nexpect: more\r\n\r\n', 417, 'expectation_failed'],
      ['GET /x HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n', 421, 'misdirected_request'],
      ['GET /x HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n', 404, 'not_found'],
      ['GET http://localhost/x HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n', 404, 'not_found'],
    ];
    for (const [bytes, status, code] of refused) {
      const [head = '', text = ''] = (await answerTo(bytes)).split('\r\n\r\n', 2);
      const problem = JSON.parse(text) as Record<string, unknown>;
      expect([head.split(' ')[1], problem['code']]).to.deep.equal([String(status), code]);
      expect(head.toLowerCase()).to.include(`request-id: ${String(problem['requestId']).toLowerCase()}`);
      expect(problem['type']).to.equal(`/docs#problem-${code}`);
    }
  });

  it('takes an address with its scheme and host, as a proxy sends it', async () => {
    const socket = connect(Number(new URL(base).port), HOST);
    socket.write(`GET ${base}/health/live HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
    let received = '';
    for await (const chunk of socket) received += (chunk as Buffer).toString('latin1');
    expect(received).to.match(/^HTTP\/1.1 200 /);
  });

  it('HEAD answers as GET, without a body', async () => {
    const { status: code, body } = await get('/health/ready', { method: 'HEAD' });
    expect([code, body]).to.deep.equal([200, undefined]);
  });

  it('names a taken port and the remedy', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, HOST, resolve));
    const { port } = other.address() as { port: number };
    const second = new AdminServer({
      log: silentLog,
      status: () => status,
      membership: () => membership(),
      authorize: () => Promise.resolve(),
      restartWorker: () => 'unknown',
      drain: () => undefined,
    });
    const error = await second.listen(port, HOST).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).to.be.instanceOf(StartupError);
    expect((error as Error).message)
      .to.include(`ADMIN_PORT ${port}`)
      .and.to.include('set ADMIN_PORT');
    await new Promise((resolve) => other.close(resolve));
    const noAddress: unknown = await second.listen(0, '192.0.2.1').catch((reason: unknown) => reason);
    expect((noAddress as Error).message).to.match(/^ADMIN_HOST 192\.0\.2\.1 is no address.*Correct ADMIN_HOST\.$/);
  });

  it('lets go of a connection whose request never ends, so that none can fill the port', async () => {
    const { port } = new URL(base);
    const socket = connect({ host: HOST, port: Number(port) });
    socket.write('GET /cluster/members HTTP/1.1\r\nHost: x\r\n');
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    expect(text).to.match(/^HTTP\/1\.1 408 /);
  });
});
