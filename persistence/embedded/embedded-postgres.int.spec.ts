/**
 * The server's whole life on real disks: made, kept, killed, taken over. As root every test also has a place of its
 * own for the programs; the last one then runs the first again as an ordinary user.
 */
import { expect } from 'chai';
import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import knex from 'knex';
import pg from 'pg';
import { pino } from 'pino';
import { locatePackage } from './binaries.ts';
import { type EmbeddedPostgres, removeEmbeddedCluster, startEmbeddedPostgres } from './embedded-postgres.ts';
import { EmbeddedPostgresError } from './embedded-postgres-error.ts';
import { keptLog } from '../../test/support/silent-log.ts';
import { skipWithReason } from '../../test/support/skip-with-reason.ts';

const IS_ROOT = process.getuid?.() === 0;
/** Exists on every system, and is none of the users that run servers for root. */
const DAEMON = 1;
const log = pino({ level: 'silent' });

/** Starts a server in a process of its own and says its URL; the process never ends by itself. */
const NODE = `
  import { startEmbeddedPostgres } from ${JSON.stringify(new URL('./embedded-postgres.ts', import.meta.url).href)};
  import { pino } from ${JSON.stringify(import.meta.resolve('pino'))};
  const [dataDir, runtimeDir, systemDir] = process.argv.slice(1);
  const log = pino({ level: 'silent' });
  const server = await startEmbeddedPostgres({ dataDir, runtimeDir, systemDir, log });
  console.log(JSON.stringify({ url: server.url, pid: server.pid }));
  process.on('SIGTERM', () => void server.stop());
  const alive = setInterval(() => undefined, 1000);
  await server.exited;
  clearInterval(alive);
`;

describe('embedded PostgreSQL', function () {
  // A slow disk may take its time over a dozen clusters.
  this.timeout(120_000);

  // Shared by all tests, because of the copy of the binaries in it. Others may pass through, as in /var/lib.
  let systemDir: string;
  let root: string;
  let dataDir: string;
  let runtimeDir: string;
  let servers: EmbeddedPostgres[];
  let processes: number[];

  before(async () => {
    systemDir = await mkdtemp(path.join(tmpdir(), 'holdfast-sys-'));
    await chmod(systemDir, 0o711);
  });
  after(async () => await rm(systemDir, { recursive: true, force: true }));

  beforeEach(async () => {
    servers = [];
    processes = [];
    root = await mkdtemp(path.join(tmpdir(), 'holdfast-test-'));
    dataDir = path.join(root, 'data');
    runtimeDir = path.join(root, 'run');
    await mkdir(dataDir, { mode: 0o700 });
    await mkdir(runtimeDir, { mode: 0o700 });
  });
  afterEach(async () => {
    for (const server of servers) await server.stop();
    // What a failed test left over.
    for (const pid of processes) kill(pid, 'SIGKILL');
    await removeEmbeddedCluster(dataDir, systemDir);
    await rm(root, { recursive: true, force: true });
  });

  async function start(): Promise<EmbeddedPostgres> {
    const server = await startEmbeddedPostgres({ dataDir, runtimeDir, systemDir, log });
    servers.push(server);
    return server;
  }

  /** A node of its own process, as this user or another one. */
  async function startNode(uid?: number) {
    const args = ['--import', 'tsx', '--input-type=module', '-e', NODE, dataDir, runtimeDir, systemDir];
    const node = spawn(process.execPath, args, {
      cwd: path.dirname(fileURLToPath(import.meta.url)),
      stdio: ['ignore', 'pipe', 'inherit'],
      ...(uid === undefined ? {} : { uid, gid: uid, env: { ...process.env, HOME: root, TMPDIR: root } }),
    });
    const [said] = (await Promise.race([
      once(node.stdout, 'data'),
      once(node, 'exit').then(() => Promise.reject(new Error('the node ended before its server was ready'))),
    ])) as [Buffer];
    const { url, pid } = JSON.parse(said.toString()) as { url: string; pid: number };
    processes.push(node.pid ?? 0, pid);
    return { node, nodePid: node.pid ?? 0, url, pid };
  }

  const clusterFolder = (): string => path.join(dataDir, 'postgres');

  /** As a former version left it for root: outside of DATA_DIR, which names it. */
  async function moveOutside(folder: string, id = 'abcdef0123456789'): Promise<string> {
    const outside = path.join(folder, id);
    await mkdir(outside, { mode: 0o711 });
    await promisify(execFile)('mv', [path.join(clusterFolder(), 'data'), path.join(outside, 'data')]);
    await rm(clusterFolder(), { recursive: true });
    await writeFile(path.join(dataDir, 'cluster-id'), id);
    await writeFile(path.join(dataDir, 'cluster-made'), `${outside}/data\n`);
    return outside;
  }

  it('starts, answers node-postgres and knex over a private socket, and stops', async () => {
    const server = await start();
    expect(server.isNew).to.equal(true);
    const settings = await query(
      server.url,
      `SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit,
              current_setting('server_encoding') AS encoding, current_setting('listen_addresses') AS addresses`,
    );
    expect(settings).to.deep.equal([{ fsync: 'on', commit: 'on', encoding: 'UTF8', addresses: '' }]);

    const connection = knex({ client: 'pg', connection: server.url });
    try {
      expect((await connection.raw('SELECT 1 AS one')).rows).to.deep.equal([{ one: 1 }]);
    } finally {
      await connection.destroy();
    }

    await server.stop();
    expect(await server.exited).to.deep.equal({ reason: 'stopped' });
    expect(isAlive(server.pid)).to.equal(false);
  });

  it('keeps its data from start to start', async () => {
    const first = await start();
    await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    await first.stop();
    const second = await start();
    expect(second).to.include({ isNew: false, url: first.url });
    expect(await query(second.url, 'SELECT answer FROM kept')).to.deep.equal([{ answer: 42 }]);
  });

  it('restarts a server that was killed, with what was committed, under the same URL', async () => {
    const server = await start();
    await query(server.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    const killed = server.pid;
    process.kill(killed, 'SIGKILL');
    await waitUntil('a new server answers', async () => {
      return server.pid !== killed && (await query(server.url, 'SELECT answer FROM kept')).length === 1;
    });
  });

  it('recovers after node, server and all backends were killed at once', async () => {
    const { node, nodePid, pid, url } = await startNode();
    await query(url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    const exited = once(node, 'exit');
    for (const victim of [nodePid, pid, ...childrenOf(pid)]) kill(victim, 'SIGKILL');
    await exited;
    const server = await start();
    expect(await query(server.url, 'SELECT answer FROM kept')).to.deep.equal([{ answer: 42 }]);
  });

  it('waits for the backends of a killed server instead of starting beside them', async () => {
    const { node, nodePid, pid, url } = await startNode();
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => undefined);
    await client.connect();
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const backend = rows[0]?.pid ?? 0;
    processes.push(backend);
    process.kill(backend, 'SIGSTOP');
    const exited = once(node, 'exit');
    for (const victim of [nodePid, pid]) kill(victim, 'SIGKILL');
    await exited;

    let started = false;
    const starting = start().finally(() => (started = true));
    await sleep(1500);
    expect(started, 'started beside a backend that still has the old memory').to.equal(false);
    process.kill(backend, 'SIGCONT');
    expect(await query((await starting).url, 'SELECT 1 AS one')).to.deep.equal([{ one: 1 }]);
    await client.end();
  });

  it('takes over the server of a killed node, and stops it in the end', async () => {
    const { node, pid, url } = await startNode();
    const exited = once(node, 'exit');
    node.kill('SIGKILL');
    await exited;
    const server = await start();
    expect(server).to.include({ pid, url });
    await server.stop();
    expect(childrenOf(pid)).to.deep.equal([]);
  });

  it('replaces the server of a killed node that does not answer any more', async () => {
    const { node, pid } = await startNode();
    const exited = once(node, 'exit');
    node.kill('SIGKILL');
    await exited;
    process.kill(pid, 'SIGSTOP');
    const server = await start();
    expect(server.pid).to.not.equal(pid);
    expect(await query(server.url, 'SELECT 1 AS one')).to.deep.equal([{ one: 1 }]);
  });

  it('is not confused by a stale process id that belongs to another program by now', async () => {
    const first = await start();
    await first.stop();
    const owner = IS_ROOT ? (await stat(path.join(clusterFolder(), 'data'))).uid : undefined;
    const other = spawn('sleep', ['60'], { stdio: 'ignore', ...(owner === undefined ? {} : { uid: owner }) });
    try {
      const file = path.join(clusterFolder(), 'data', 'postmaster.pid');
      await writeFile(file, `${other.pid}\n${path.dirname(file)}\n0\n5432\n\n\n  0 0\nready\n`);
      if (owner !== undefined) await chown(file, owner, owner);
      const second = await start();
      expect(await query(second.url, 'SELECT 1 AS one')).to.deep.equal([{ one: 1 }]);
    } finally {
      other.kill('SIGKILL');
    }
  });

  it('makes the cluster anew after an interrupted initdb', async () => {
    const server = await start();
    await server.stop();
    const folder = clusterFolder();
    await rm(path.join(folder, 'data'), { recursive: true });
    await rm(path.join(dataDir, 'cluster-made'), { force: true });
    await mkdir(path.join(folder, 'data.making-1'));
    await writeFile(path.join(folder, 'data.making-1', 'PG_VERSION'), '18\n');
    expect((await start()).isNew).to.equal(true);
    expect(await readdir(folder)).to.not.include('data.making-1');
  });

  it('refuses the cluster of another major version', async () => {
    await (await start()).stop();
    await writeFile(path.join(clusterFolder(), 'data', 'PG_VERSION'), '12\n');
    expect(await refusalOf(start())).to.match(/made by PostgreSQL 12.*DATABASE_URL/s);
  });

  it('refuses to begin anew where its database is gone', async function () {
    if (!IS_ROOT) skipWithReason(this, 'only as root may a cluster lie outside DATA_DIR');
    await (await start()).stop();
    await rm(await moveOutside(systemDir), { recursive: true });
    expect(await refusalOf(start())).to.match(/The database of DATA_DIR .* is gone/);
  });

  it('keeps all data in DATA_DIR and leaves nothing elsewhere, also as root and below a private folder', async function () {
    if (!IS_ROOT) skipWithReason(this, 'as another user it is so by nature');
    const home = process.env['HOME'] ?? '/root';
    const privateRoot = await mkdtemp(path.join(home, 'holdfast-test-'));
    try {
      const deep = path.join(privateRoot, 'of a name with spaces', 'x'.repeat(120), 'data');
      await mkdir(deep, { recursive: true, mode: 0o700 });
      const server = await startEmbeddedPostgres({ dataDir: deep, runtimeDir, systemDir, log });
      servers.push(server);
      await query(server.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
      const [{ folder }] = (await query(server.url, "SELECT current_setting('data_directory') AS folder")) as [
        { folder: string },
      ];
      expect(folder).to.equal('/proc/self/cwd');
      await server.stop();
      expect((await stat(path.join(deep, 'postgres', 'data'))).uid).not.to.equal(0);
      expect((await readdir(systemDir)).filter((name) => !name.startsWith('postgres-'))).to.deep.equal([]);
    } finally {
      await rm(privateRoot, { recursive: true, force: true });
    }
  });

  it('takes the cluster of a former version into DATA_DIR', async function () {
    if (!IS_ROOT) skipWithReason(this, 'only as root did a cluster lie outside DATA_DIR');
    const first = await start();
    await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    await first.stop();
    const outside = await moveOutside(systemDir);
    const second = await start();
    expect(second.isNew).to.equal(false);
    expect(await query(second.url, 'SELECT answer FROM kept')).to.deep.equal([{ answer: 42 }]);
    expect(await readdir(dataDir))
      .to.include('postgres')
      .and.not.include('cluster-id')
      .and.not.include('cluster-made');
    expect(await readdir(systemDir)).not.to.include(path.basename(outside));
  });

  it('uses a cluster of a former version where it is when it can not be moved, and says where', async function () {
    if (!IS_ROOT) skipWithReason(this, 'only as root did a cluster lie outside DATA_DIR');
    const otherDisk = await mkdtemp('/dev/shm/holdfast-sys-').catch(() => undefined);
    if (otherDisk === undefined) return skipWithReason(this, 'there is no /dev/shm');
    try {
      await chmod(otherDisk, 0o711);
      await (await start()).stop();
      const outside = await moveOutside(otherDisk);
      const kept = keptLog();
      const server = await startEmbeddedPostgres({ dataDir, runtimeDir, systemDir: otherDisk, log: kept.log });
      servers.push(server);
      expect(server.isNew).to.equal(false);
      expect(await query(server.url, 'SELECT 1 AS one')).to.deep.equal([{ one: 1 }]);
      const said = kept.lines.find(({ level }) => level === 40);
      expect(said?.['reason']).to.include(outside);
      expect(await readFile(path.join(dataDir, 'DATA-IS-ELSEWHERE.txt'), 'utf8')).to.include(outside);
      await server.stop();
    } finally {
      await rm(otherDisk, { recursive: true, force: true });
    }
  });

  it('says what PostgreSQL said when it does not start', async () => {
    await (await start()).stop();
    await writeFile(path.join(clusterFolder(), 'data', 'postgresql.auto.conf'), 'no_such_setting = 1\n');
    expect(await refusalOf(start())).to.match(/did not start \(exit code 1\).*DATABASE_URL.*no_such_setting/s);
  });

  it('gives up a server that dies again and again, and says so', async () => {
    const server = await start();
    await writeFile(path.join(clusterFolder(), 'data', 'postgresql.auto.conf'), 'no_such_setting = 1\n');
    process.kill(server.pid, 'SIGKILL');
    const exit = await server.exited;
    expect(exit.reason).to.equal('failed');
    await server.stop();
  });

  it('names the platform and DATABASE_URL where there are no binaries', () => {
    expect(() => locatePackage('plan9', 'mips'))
      .to.throw(EmbeddedPostgresError)
      .with.property('message')
      .that.includes('plan9-mips')
      .and.includes('DATABASE_URL');
  });

  it('runs as an ordinary user, with everything in DATA_DIR', async function () {
    const readable = ['-c', `test -r "$0" && test -r "$1"`, fileURLToPath(import.meta.url), import.meta.resolve('pg')];
    readable[3] = fileURLToPath(readable[3] ?? '');
    if (!IS_ROOT || spawnSync('sh', readable, { uid: DAEMON, gid: DAEMON }).status !== 0)
      skipWithReason(this, 'only root becomes another user, who must be able to read this checkout');
    for (const folder of [root, dataDir, runtimeDir]) await chown(folder, DAEMON, DAEMON);
    const { node, url } = await startNode(DAEMON);
    expect(await query(url, 'SELECT 1 AS one')).to.deep.equal([{ one: 1 }]);
    expect((await stat(path.join(dataDir, 'postgres', 'data'))).uid).to.equal(DAEMON);
    const exited = once(node, 'exit');
    node.kill('SIGTERM');
    expect(await exited).to.deep.equal([0, null]);
    expect(await refusalOf(start())).to.match(/made by an ordinary user/);
  });
});

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function refusalOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).to.be.instanceOf(EmbeddedPostgresError);
  return (error as EmbeddedPostgresError).message;
}

async function waitUntil(label: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await condition().catch(() => false))) {
    if (Date.now() > deadline) throw new Error(`waited 30 s in vain until ${label}`);
    await sleep(20);
  }
}

function childrenOf(pid: number): number[] {
  return spawnSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' })
    .stdout.split('\n')
    .filter(Boolean)
    .map(Number);
}

/** What is gone already is as dead as it should be. */
function kill(pid: number, signal: NodeJS.Signals): void {
  if (pid > 0 && isAlive(pid)) process.kill(pid, signal);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
