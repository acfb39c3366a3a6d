/** `npm run cluster` as a person meets it: what it asks for, what it prints, and how it ends. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { signDevToken } from '../../config/dev-token.ts';
import { scratchBrokerOrSkip, type ScratchBroker } from '../support/rabbitmq-broker.ts';
import { createScratchDatabase, type ScratchDatabase } from '../support/scratch-database.ts';
import { waitUntil } from './node-harness.ts';

const SCRIPT = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..', 'scripts', 'cluster.mjs');
const READY = /The cluster is ready: (\S+) and (\S+)/;

describe('npm run cluster', () => {
  let broker: ScratchBroker;
  let database: ScratchDatabase;
  let folder: string;
  let child: ChildProcess | undefined;
  let output: string;

  before(async function () {
    broker = await scratchBrokerOrSkip(this);
    database = await createScratchDatabase({ migrated: false });
    folder = await mkdtemp(path.join(tmpdir(), 'holdfast-cluster-'));
  });
  after(async () => {
    await database?.drop();
    await broker?.drop();
    if (folder === undefined) return;
    for (const name of ['node-1', 'node-2']) {
      const runtimeDir = await readFile(path.join(folder, name, 'runtime-dir'), 'utf8').catch(() => undefined);
      if (runtimeDir !== undefined) await rm(runtimeDir, { recursive: true, force: true });
    }
    await rm(folder, { recursive: true, force: true });
  });
  afterEach(async () => {
    if (child?.exitCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
  });

  function start(environment: Readonly<Record<string, string>>, ...args: readonly string[]): void {
    const { PATH, HOME } = process.env;
    output = '';
    child = spawn(process.execPath, [SCRIPT, '--dir', folder, ...args], {
      env: { PATH, HOME, SHARDS: '16', LOG_LEVEL: 'warn', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  }

  async function ended(): Promise<number | null> {
    return waitUntil('the cluster to end', () =>
      child!.exitCode === null ? undefined : `code ${child!.exitCode}`,
    ).then(() => child!.exitCode);
  }

  it('says which setting is missing', async () => {
    start({ DATABASE_URL: database.url });
    expect(await ended()).to.equal(1);
    expect(output).to.contain('AMQP_URL is not set');
    start({ AMQP_URL: broker.url });
    expect(await ended()).to.equal(1);
    expect(output).to.contain('DATABASE_URL is not set');
  });

  it('serves by two nodes with one secret, and ends with a word when one of them dies', async function () {
    this.timeout(90_000);
    start({ DATABASE_URL: database.url, AMQP_URL: broker.url }, '--workers', '1');
    const urls = await waitUntil('the cluster to be ready', () => READY.exec(output)?.slice(1));
    const secret = (await readFile(path.join(folder, 'jwt-secret'), 'utf8')).trim();
    const token = await signDevToken({ secret, sub: 'me', role: 'admin', ttlSeconds: 60 });
    for (const url of urls) {
      const { status } = await fetch(`${url}/api/v1/orders`, { headers: { authorization: `Bearer ${token}` } });
      expect(status, url).to.equal(200);
    }
    const { pid } = JSON.parse(await readFile(path.join(folder, 'node-1', 'node.json'), 'utf8')) as { pid: number };
    process.kill(pid, 'SIGKILL');
    expect(await ended()).to.equal(1);
    expect(output).to.contain('node-1 ended (SIGKILL)');
    const left = await readFile(path.join(folder, 'node-2', 'node.json'), 'utf8').catch(() => undefined);
    expect(left, 'the other stopped in order').to.equal(undefined);
  });

  it('stops all nodes in order on a signal', async function () {
    this.timeout(90_000);
    start({ DATABASE_URL: database.url, AMQP_URL: broker.url }, '--workers', '1');
    await waitUntil('the cluster to be ready', () => READY.test(output));
    child!.kill('SIGINT');
    expect(await ended(), output).to.equal(0);
    for (const name of ['node-1', 'node-2']) {
      const record = await readFile(path.join(folder, name, 'node.json'), 'utf8').catch(() => undefined);
      expect(record, name).to.equal(undefined);
    }
  });
});
