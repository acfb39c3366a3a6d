/**
 * Makes a clone ready to run: installs the dependencies and compiles the sources, each only when needed. bootstrap.mjs
 * runs it at the beginning of every npm script.
 *
 * It works without node_modules, uses Node's own modules only, costs next to nothing when there is nothing to do, and
 * then prints nothing. What it does say goes to stderr: stdout belongs to the command that follows.
 */
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { link, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const at = (...parts) => path.join(root, ...parts);
const INSTALL_STAMP = at('node_modules', '.holdfast-install');
const BUILD_STAMP = at('dist', '.holdfast-build');
const LOCK = at('.build', 'bootstrap.lock');
const TSC = at('node_modules', 'typescript', 'bin', 'tsc');

/** The holder of the lock touches it this often; after three times as long without a touch it counts as dead. */
const LOCK_TOUCH_MS = 3000;
const LOCK_POLL_MS = 100;

class BootstrapError extends Error {}

function say(text) {
  process.stderr.write(`holdfast: ${text}\n`);
}

// ---- what is needed -------------------------------------------------------------------------------------------

/** Both answers from one look at the disk. `sources` maps each source to its size and time. */
async function findWork() {
  const lockfile = await readFile(at('package-lock.json')).catch(() => Buffer.alloc(0));
  const installKey = hash([lockfile, process.platform, process.arch]);
  const sources = await listSources();
  const buildKey = hash([installKey, ...[...sources].flat()]);
  const [installed, built, hasCompiler] = await Promise.all([
    isInstalled(installKey),
    readText(BUILD_STAMP).then((text) => text?.split('\n')[0] === buildKey),
    exists(TSC),
  ]);
  // Without tsconfig.json this is a packaged build that brings dist/ and no sources.
  const needsBuild = !built && sources.has('tsconfig.json');
  return { installKey, buildKey, sources, needsInstall: !installed || (needsBuild && !hasCompiler), needsBuild };
}

/** By our stamp; or, where somebody ran npm by hand, by npm's own record being no older than the lockfile. */
async function isInstalled(installKey) {
  const stamp = await readText(INSTALL_STAMP);
  if (stamp !== undefined) return stamp.trim() === installKey;
  const [record, lockfile] = await Promise.all([
    stat(at('node_modules', '.package-lock.json')).catch(() => undefined),
    stat(at('package-lock.json')).catch(() => undefined),
  ]);
  return record !== undefined && (lockfile === undefined || record.mtimeMs >= lockfile.mtimeMs);
}

async function listSources() {
  const sources = new Map();
  const visit = async (folder) => {
    const entries = await readdir(at(folder), { withFileTypes: true });
    await Promise.all(
      entries.map(async (entry) => {
        const name = path.join(folder, entry.name);
        if (entry.isDirectory()) {
          const skipped = entry.name.startsWith('.') || ['node_modules', 'dist', 'coverage'].includes(entry.name);
          if (!skipped) await visit(name);
        } else if (name.endsWith('.ts') || name === 'tsconfig.json') {
          const { size, mtimeMs } = await stat(at(name));
          sources.set(name, `${size} ${mtimeMs}`);
        }
      }),
    );
  };
  await visit('.');
  return new Map([...sources].sort(([a], [b]) => (a < b ? -1 : 1)));
}

// ---- doing it -------------------------------------------------------------------------------------------------

async function install(installKey) {
  say('installing dependencies (npm ci) ...');
  const startedAt = Date.now();
  // --include=dev: with NODE_ENV=production npm would leave the compiler out.
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
  // Started by npm: use the same one. It must not see that one's settings of the running script.
  const npm = process.env.npm_execpath?.endsWith('npm-cli.js') ? process.env.npm_execpath : undefined;
  const code = npm === undefined ? await run('npm', args) : await run(process.execPath, [npm, ...args]);
  if (code !== 0) {
    throw new BootstrapError(
      `The dependencies could not be installed (npm ci ended with ${code}, see above). It needs the npm registry or a ` +
        'filled cache: check the network ("npm ping") and the registry setting ("npm config get registry"), then try again.',
    );
  }
  await writeFile(INSTALL_STAMP, `${installKey}\n`);
  say(`dependencies installed in ${seconds(startedAt)}`);
}

/**
 * Compiles without checking types, which is several times faster: `npm test` and `npm run build` check them. Output
 * whose source is gone is removed, so that no dead module is ever loaded.
 */
async function build({ buildKey, sources }) {
  say('compiling ...');
  const startedAt = Date.now();
  const before = (await readText(BUILD_STAMP))?.split('\n').slice(1) ?? [];
  await rm(BUILD_STAMP, { force: true });
  const code = await run(process.execPath, [TSC, '-p', at('tsconfig.json'), '--noCheck']);
  if (code !== 0) throw new BootstrapError('The sources do not compile, see above.');
  for (const name of before) {
    if (name === '' || sources.has(name)) continue;
    const output = at('dist', name.replace(/\.ts$/, '.js'));
    await Promise.all([rm(output, { force: true }), rm(`${output}.map`, { force: true })]);
  }
  await writeAtomically(BUILD_STAMP, [buildKey, ...sources.keys()].join('\n'));
  say(`compiled in ${seconds(startedAt)}`);
}

/** Output goes to stderr. */
async function run(program, args) {
  return await new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 2, 2] });
    child.once('error', (error) => reject(new BootstrapError(`${program} could not be started: ${error.message}`)));
    child.once('exit', (code, signal) => resolve(code ?? signal));
  });
}

// ---- one at a time --------------------------------------------------------------------------------------------

async function withLock(work) {
  await mkdir(path.dirname(LOCK), { recursive: true });
  let told = false;
  while (!(await tryLock())) {
    if (!told) say('waiting for another start to install or compile ...');
    told = true;
    await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
  }
  const touch = setInterval(() => void utimes(LOCK, new Date(), new Date()).catch(() => undefined), LOCK_TOUCH_MS);
  try {
    return await work();
  } finally {
    clearInterval(touch);
    await rm(LOCK, { force: true });
  }
}

async function tryLock() {
  if (await createExclusively(LOCK, String(process.pid))) return true;
  const [holder, stats] = await Promise.all([readText(LOCK), stat(LOCK).catch(() => undefined)]);
  if (holder === undefined || stats === undefined) return false;
  const silentMs = Date.now() - stats.mtimeMs;
  if (isAlive(Number(holder)) && silentMs < 3 * LOCK_TOUCH_MS) return false;
  // Dead: move its lock away under a name of our own, which works for one of us only. If by then it was already
  // somebody's fresh lock, put it back.
  const moved = `${LOCK}.${process.pid}.${randomBytes(4).toString('hex')}`;
  await rename(LOCK, moved).catch(() => undefined);
  if ((await readText(moved)) !== holder) await link(moved, LOCK).catch(() => undefined);
  await rm(moved, { force: true });
  return false;
}

async function createExclusively(file, content) {
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  await writeFile(draft, content);
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

// ---- small things ---------------------------------------------------------------------------------------------

function hash(parts) {
  const digest = createHash('sha256');
  for (const part of parts) digest.update(part).update('\0');
  return digest.digest('hex');
}

async function readText(file) {
  return await readFile(file, 'utf8').catch(() => undefined);
}

async function exists(file) {
  return (await stat(file).catch(() => undefined)) !== undefined;
}

async function writeAtomically(file, content) {
  const draft = `${file}.${process.pid}`;
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(draft, content);
  await rename(draft, file);
}

function seconds(startedAt) {
  return `${((Date.now() - startedAt) / 1000).toFixed(1)} s`;
}

async function main() {
  const work = await findWork();
  if (!work.needsInstall && !work.needsBuild) return;
  await withLock(async () => {
    // Whoever held the lock before us may have done it all.
    const first = await findWork();
    if (first.needsInstall) await install(first.installKey);
    const then = await findWork();
    if (then.needsBuild) await build(then);
  });
}

try {
  await main();
} catch (error) {
  const readOnly = ['EACCES', 'EPERM', 'EROFS'].includes(error.code);
  if (readOnly) say(`${root} must be installed and compiled, but cannot be written by this user (${error.message}).`);
  else say(error instanceof BootstrapError ? error.message : error.stack);
  process.exit(1);
}
