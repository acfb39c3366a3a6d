import { expect } from 'chai';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ConfigError } from './config-error.ts';
import { takeNodeLock } from './node-lock.ts';

const HOLDER = `
  import { takeNodeLock } from ${JSON.stringify(new URL('./node-lock.ts', import.meta.url).href)};
  const [dataDir, runtimeDir] = process.argv.slice(1);
  try {
    await takeNodeLock(dataDir, runtimeDir);
    console.log('taken');
    setInterval(() => undefined, 1000);
  } catch (error) {
    console.log(error.message);
  }
`;

describe('the lock of DATA_DIR', () => {
  let dataDir: string;
  let runtimeDir: string;
  let children: ChildProcess[];
  beforeEach(async () => {
    dataDir = await mkdtemp(path.join(tmpdir(), 'holdfast-test-'));
    runtimeDir = await mkdtemp(path.join(tmpdir(), 'holdfast-test-'));
    children = [];
  });
  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL');
    await rm(dataDir, { recursive: true, force: true });
    await rm(runtimeDir, { recursive: true, force: true });
  });

  /** @returns what it says first: 'taken', or why not */
  async function startHolder(): Promise<string> {
    const args = ['--import', 'tsx', '--input-type=module', '-e', HOLDER, dataDir, runtimeDir];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    return said.toString().trim();
  }

  it('is held by one node at a time, and free after its release', async () => {
    const lock = await takeNodeLock(dataDir, runtimeDir);
    const error = await takeNodeLock(dataDir, runtimeDir).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(ConfigError);
    expect((error as Error).message).to.match(
      new RegExp(`Another node \\(pid ${process.pid}\\) runs on this DATA_DIR .*; stop it, or set DATA_DIR`),
    );
    await lock.release();
    await lock.release();
    await (await takeNodeLock(dataDir, runtimeDir)).release();
  });

  it('is free after its holder was killed, and held while its holder is frozen', async () => {
    expect(await startHolder()).to.equal('taken');
    const [holder] = children as [ChildProcess];
    holder.kill('SIGSTOP');
    const error = await takeNodeLock(dataDir, runtimeDir).catch((reason: unknown) => reason);
    expect((error as Error).message).to.include(`pid ${holder.pid}`);
    const exited = once(holder, 'exit');
    holder.kill('SIGKILL');
    await exited;
    await (await takeNodeLock(dataDir, runtimeDir)).release();
  });

  it('goes to exactly one of many takers of a dead lock', async () => {
    for (let round = 0; round < 3; round += 1) {
      const said = await Promise.all(Array.from({ length: 4 }, startHolder));
      expect(
        said.filter((line) => line === 'taken'),
        said.join('\n'),
      ).to.have.length(1);
      const exits = children.map(async (child) => child.exitCode ?? child.signalCode ?? (await once(child, 'exit')));
      for (const child of children) child.kill('SIGKILL');
      await Promise.all(exits);
      children = [];
    }
  });

  it('goes to exactly one of many takers in one process, leaving one file', async () => {
    for (let round = 0; round < 20; round += 1) {
      const taken = await Promise.allSettled(Array.from({ length: 8 }, () => takeNodeLock(dataDir, runtimeDir)));
      const locks = taken.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
      expect(locks).to.have.length(1);
      await locks[0]?.release();
    }
    expect(await readdir(dataDir)).to.have.length(1);
    expect(await readdir(runtimeDir)).to.deep.equal([]);
  });
});
