/**
 * `npm test`: format, lint, types, then every spec. All of them run, whatever fails before, and each of the first
 * three counts as one test. The last line is exactly `N passed, N failed`; the exit status is 0 only if something
 * passed and nothing failed.
 *
 * With arguments it runs mocha alone and hands them on: `npm test -- domain/order/order.unit.spec.ts -g refuses`.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { findFiles } from './source-files.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const bin = (...parts) => path.join(root, 'node_modules', ...parts);

const CHECKS = [
  ['format', bin('prettier', 'bin', 'prettier.cjs'), ['--check', '--log-level=warn', '.']],
  ['lint', bin('eslint', 'bin', 'eslint.js'), ['.']],
  [
    'types',
    bin('typescript', 'bin', 'tsc'),
    ['-p', '.', '--noEmit', '--tsBuildInfoFile', path.join('.build', 'types.tsbuildinfo')],
  ],
];

/** Unit specs first: when both fail, the smaller one tells more. */
const SPEC_ORDER = ['.unit.spec.ts', '.int.spec.ts', '.spec.ts'];

async function runCheck([name, program, args]) {
  const startedAt = Date.now();
  const code = await run([program, ...args]);
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
  console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

async function runSpecs(args) {
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-test-'));
  const countFile = path.join(folder, 'counts.json');
  try {
    const reporter = ['--reporter', path.join(root, 'scripts', 'counting-reporter.cjs')];
    const option = ['--reporter-option', `countFile=${countFile}`];
    const code = await run([bin('mocha', 'bin', 'mocha.js'), ...reporter, ...option, ...args]);
    const counts = await readFile(countFile, 'utf8').then(JSON.parse, () => undefined);
    if (counts === undefined) {
      console.log(`mocha ended with ${code} before it had run all tests`);
      return { passed: 0, failed: 1 };
    }
    // A status other than 0 without a failed test: the run itself broke after its end.
    return { passed: counts.passed, failed: Math.max(counts.failed, code === 0 ? 0 : 1) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function findSpecs() {
  const specs = await findFiles(root, '.spec.ts');
  const rank = (name) => SPEC_ORDER.findIndex((ending) => name.endsWith(ending));
  return specs.sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

/** Ctrl-C reaches the child as well, which ends first; we then report what there is. */
async function run(args) {
  return await new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' });
    child.once('error', () => resolve(1));
    child.once('exit', (code, signal) => resolve(code ?? signal));
  });
}

process.on('SIGINT', () => undefined);
const own = process.argv.slice(2);
const results = [];
if (own.length === 0) for (const check of CHECKS) results.push(await runCheck(check));
const specs = own.length === 0 ? await findSpecs() : own;
if (specs.length > 0) results.push(await runSpecs(specs));
const total = (key) => results.reduce((sum, result) => sum + result[key], 0);
console.log(`\n${total('passed')} passed, ${total('failed')} failed`);
process.exit(total('failed') === 0 && total('passed') > 0 && specs.length > 0 ? 0 : 1);
