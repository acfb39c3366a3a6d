import { expect } from 'chai';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ConfigError } from './config-error.ts';
import { dataDirError, prepareDataDir } from './data-dir.ts';
import { readOrCreateDevSecret } from './dev-secret.ts';
import { openRuntimeDir, removeRuntimeDir } from './runtime-dir.ts';
import { skipWithReason } from '../test/support/skip-with-reason.ts';

async function refusalOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).to.be.instanceOf(ConfigError);
  return (error as ConfigError).message;
}

async function permissionsOf(file: string): Promise<number> {
  return (await stat(file)).mode & 0o777;
}

describe('DATA_DIR', () => {
  let root: string;
  let dataDir: string;
  beforeEach(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'holdfast-test-'));
    dataDir = path.join(root, 'deep', 'data');
  });
  afterEach(async () => await rm(root, { recursive: true, force: true }));

  it('is made for its owner alone, and nothing is left in it', async () => {
    await prepareDataDir(dataDir);
    expect(await permissionsOf(dataDir)).to.equal(0o700);
    expect(await readdir(dataDir)).to.deep.equal([]);
  });

  it('refuses a file in its place, naming DATA_DIR and the remedy', async () => {
    const file = path.join(root, 'file');
    await writeFile(file, '');
    expect(await refusalOf(prepareDataDir(file))).to.match(/^DATA_DIR .* is not a directory.*set DATA_DIR/);
    expect(await refusalOf(prepareDataDir(path.join(file, 'below')))).to.match(/is not a directory.*set DATA_DIR/);
  });

  it('refuses a path on which no folder can be made, at once', async () => {
    const dangling = path.join(root, 'dangling');
    await symlink(path.join(root, 'nothing'), dangling);
    const circle = path.join(root, 'circle');
    await symlink(circle, circle);
    const refused = [dangling, path.join(dangling, 'a', 'b'), path.join(circle, 'a')];
    if (process.platform === 'linux') refused.push('/proc/x', '/proc/x/y/z', '/proc/self');
    for (const folder of refused) {
      expect(await refusalOf(prepareDataDir(folder)), folder).to.match(
        /^DATA_DIR \S+ .*; set DATA_DIR to a folder.*\.$/,
      );
    }
  });

  it('refuses a folder that cannot be written, naming DATA_DIR and the remedy', async function () {
    if (process.getuid?.() === 0) skipWithReason(this, 'root may write into every folder');
    await mkdir(dataDir, { recursive: true });
    await chmod(dataDir, 0o500);
    expect(await refusalOf(prepareDataDir(dataDir))).to.match(
      /^DATA_DIR .* may not be used by this user.*set DATA_DIR/,
    );
  });

  for (const mode of [0o770, 0o702, 0o777]) {
    it(`refuses a folder of mode ${mode.toString(8)}, naming the remedy`, async () => {
      await mkdir(dataDir, { recursive: true });
      await chmod(dataDir, mode);
      const remedy = /^DATA_DIR .* can be written by other users \(mode \d+\).*chmod 700 it, or set DATA_DIR/;
      expect(await refusalOf(prepareDataDir(dataDir))).to.match(remedy);
      expect(await refusalOf(readOrCreateDevSecret(dataDir))).to.match(remedy);
      expect(await readdir(dataDir)).to.deep.equal([]);
      expect(await readOrCreateDevSecret(path.join(dataDir, 'below'))).to.match(/^[\w-]{64}$/);
    });
  }

  it('refuses a folder of another user', async function () {
    if (process.getuid?.() !== 0) skipWithReason(this, 'only root can give a folder to another user');
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    await chown(dataDir, 12_345, 12_345);
    expect(await refusalOf(prepareDataDir(dataDir))).to.match(/belongs to another user \(uid 12345.*chown it/);
  });

  it('explains a full disk', () => {
    const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    expect(dataDirError(dataDir, full).message).to.match(/^DATA_DIR .* is on a full disk; free some space/);
  });

  describe('dev secret', () => {
    it('is long, private, and the same for all who ask at once or later', async () => {
      const secrets = await Promise.all(Array.from({ length: 20 }, () => readOrCreateDevSecret(dataDir)));
      expect(new Set(secrets).size).to.equal(1);
      expect(secrets[0]).to.match(/^[\w-]{64}$/);
      expect(await readOrCreateDevSecret(dataDir)).to.equal(secrets[0]);
      expect(await permissionsOf(path.join(dataDir, 'jwt-secret'))).to.equal(0o600);
      expect(await readdir(dataDir)).to.deep.equal(['jwt-secret']);
    });

    it('is not believed where others can read it, wrote it, or it is a link', async function () {
      await prepareDataDir(dataDir);
      const file = path.join(dataDir, 'jwt-secret');
      const planted = 'planted-'.repeat(8);
      for (const mode of [0o644, 0o640, 0o622]) {
        await writeFile(file, planted);
        await chmod(file, mode);
        expect(await refusalOf(readOrCreateDevSecret(dataDir))).to.match(/can be read by other users.*delete it/);
      }
      await rm(file);
      await writeFile(path.join(root, 'elsewhere'), planted, { mode: 0o600 });
      await symlink(path.join(root, 'elsewhere'), file);
      await refusalOf(readOrCreateDevSecret(dataDir));
      await rm(file);
      await mkdir(file, { mode: 0o700 });
      expect(await refusalOf(readOrCreateDevSecret(dataDir))).to.include('is no file of this user');
      if (process.getuid?.() !== 0) skipWithReason(this, 'only root can give a file to another user');
      await rm(file, { recursive: true });
      await writeFile(file, planted, { mode: 0o600 });
      await chown(file, 12_345, 12_345);
      expect(await refusalOf(readOrCreateDevSecret(dataDir))).to.include('is no file of this user');
    });

    it('refuses a damaged file instead of replacing it', async () => {
      await prepareDataDir(dataDir);
      await writeFile(path.join(dataDir, 'jwt-secret'), 'short', { mode: 0o600 });
      expect(await refusalOf(readOrCreateDevSecret(dataDir))).to.include('damaged');
    });
  });

  describe('runtime folder', () => {
    beforeEach(async () => await prepareDataDir(dataDir));

    it('is private, short enough for socket names, and found again', async () => {
      const runtimeDir = await openRuntimeDir(dataDir);
      expect(await permissionsOf(runtimeDir)).to.equal(0o700);
      expect(Buffer.byteLength(runtimeDir)).to.be.at.most(62);
      expect(await openRuntimeDir(dataDir)).to.equal(runtimeDir);
      await removeRuntimeDir(dataDir);
      expect(await stat(runtimeDir).catch(() => 'gone')).to.equal('gone');
    });

    it('is made again after a cleaner of temporary files took it', async () => {
      const runtimeDir = await openRuntimeDir(dataDir);
      await rm(runtimeDir, { recursive: true });
      expect(await openRuntimeDir(dataDir)).to.equal(runtimeDir);
      await removeRuntimeDir(dataDir);
    });

    it('is another one where the recorded one is open to others', async () => {
      const open = await openRuntimeDir(dataDir);
      await chmod(open, 0o755);
      const closed = await openRuntimeDir(dataDir);
      expect(closed).to.not.equal(open);
      expect(await readFile(path.join(dataDir, 'runtime-dir'), 'utf8')).to.equal(closed);
      await removeRuntimeDir(dataDir);
      await rm(open, { recursive: true });
    });
  });
});
