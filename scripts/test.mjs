/**
 * `npm test`: format, lint, types and every spec. All of them run, whatever fails before, and each of the first
 * three counts as one test. The last line is exactly `N passed, N failed`; the exit status is 0 only if something
 * passed and nothing failed.
 *
 * With arguments it runs mocha alone and hands them on: `npm test -- domain/order/order.unit.spec.ts -g refuses`.
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
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

/** What needs little but the processor; first, because when it fails as well it tells more than the rest. */
const isUnit = (spec) => spec.endsWith('.unit.spec.ts');
/** What waits for servers most of its time: it runs beside the units, and is printed after them. */
const isIntegration = (spec) => spec.endsWith('.int.spec.ts');
/** What starts whole nodes, and kills them: it has the machine for itself. */
const isSystem = (spec) => !isUnit(spec) && !isIntegration(spec);

async function runCheck([name, program, args]) {
  const startedAt = Date.now();
  const code = await run([program, ...args]);
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
  console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** @returns the counts, and with `aside` what mocha printed, instead of printing it. */
async function runSpecs(args, aside = false) {
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-test-'));
  const countFile = path.join(folder, 'counts.json');
  try {
    const reporter = ['--reporter', path.join(root, 'scripts', 'counting-reporter.cjs')];
    const option = ['--reporter-option', `countFile=${countFile}`];
    const colors = process.stdout.isTTY ? ['--colors'] : [];
    const outputFile = aside ? path.join(folder, 'output') : undefined;
    const code = await run([bin('mocha', 'bin', 'mocha.js'), ...reporter, ...option, ...colors, ...args], outputFile);
    const output = aside ? await readFile(outputFile, 'utf8') : '';
    const counts = await readFile(countFile, 'utf8').then(JSON.parse, () => undefined);
    if (counts === undefined) {
      console.log(`mocha ended with ${code} before it had run all tests`);
      return { passed: 0, failed: 1, output };
    }
    // A status other than 0 without a failed test: the run itself broke after its end.
    return { passed: counts.passed, failed: Math.max(counts.failed, code === 0 ? 0 : 1), output };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runAll() {
  const specs = (await findFiles(root, '.spec.ts')).sort();
  if (specs.length === 0) return [];
  const integration = runSpecs(specs.filter(isIntegration), true);
  const results = [];
  for (const check of CHECKS) results.push(await runCheck(check));
  results.push(await runSpecs(specs.filter(isUnit)));
  console.log('\nIntegration tests ran beside these:');
  results.push(await integration);
  process.stdout.write((await integration).output);
  results.push(await runSpecs(specs.filter(isSystem)));
  return results;
}

/**
 * Ctrl-C reaches the child as well, which ends first; we then report what there is. A file takes what is printed
 * aside: a pipe would stay open for as long as anything that a crashed test left behind.
 */
async function run(args, outputFile) {
  const sink = outputFile === undefined ? undefined : openSync(outputFile, 'w');
  try {
    return await new Promise((resolve) => {
      const stdio = sink === undefined ? 'inherit' : ['ignore', sink, sink];
      const child = spawn(process.execPath, args, { cwd: root, stdio });
      child.once('error', () => resolve(1));
      child.once('exit', (code, signal) => resolve(code ?? signal));
    });
  } finally {
    if (sink !== undefined) closeSync(sink);
  }
}

process.on('SIGINT', () => undefined);
const own = process.argv.slice(2);
const results = own.length === 0 ? await runAll() : [await runSpecs(own)];
const total = (key) => results.reduce((sum, result) => sum + result[key], 0);
console.log(`\n${total('passed')} passed, ${total('failed')} failed`);
process.exit(total('failed') === 0 && total('passed') > 0 ? 0 : 1);
