/**
 * `npm test`: format, lint, types, what is unused, and every spec. All of them run, whatever fails before, and each of
 * the first four counts as one test. The last line is exactly `N passed, N failed`; the exit status is 0 only if something
 * passed and nothing failed.
 *
 * With arguments it runs mocha alone and hands them on: `npm test -- actors/order/order.unit.spec.ts -g refuses`.
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
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
/**
 * Files, exports and packages that nothing uses, and circles of imports. Imports of types alone make no circle: they are
 * gone when modules are loaded, so they break no order of loading. It runs beside the others.
 */
const UNUSED = ['unused', bin('knip', 'bin', 'knip.js'), ['--no-progress']];

/** Needs little but the processor. First, because its failures tell more than those of the rest. */
const isUnit = (spec) => spec.endsWith('.unit.spec.ts');
/** Waits for servers most of its time: it runs beside the units, and is printed after them. */
const isIntegration = (spec) => spec.endsWith('.int.spec.ts');
/** Starts whole nodes and kills them: it has the machine for itself. */
const isSystem = (spec) => !isUnit(spec) && !isIntegration(spec);

/** At a time; each waits for servers most of its time, and makes databases and virtual hosts of its own. */
const INTEGRATION_RUNS = 2;

/** How long a program may take in all, and how long mocha may take to end once it has run every test. */
const LIMIT_MS = 25 * 60_000;
const END_MS = 30_000;

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
    // Not through `bin/mocha.js`, which would only start this program as a hidden child.
    const mocha = ['--import', 'tsx', bin('mocha', 'lib', 'cli', 'cli.js')];
    const code = await run([...mocha, ...reporter, ...option, ...colors, ...args], { outputFile, countFile });
    const output = aside ? await readFile(outputFile, 'utf8') : '';
    const counts = await readFile(countFile, 'utf8').then(JSON.parse, () => undefined);
    if (counts === undefined) {
      console.log(`mocha ended with ${code} before it had run all tests`);
      return { passed: 0, failed: 1, output };
    }
    // A status other than 0 without a failed test: the run itself broke after its end.
    const broke = code !== 0 && code !== HUNG_AT_ITS_END;
    return { passed: counts.passed, failed: Math.max(counts.failed, broke ? 1 : 0), output };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runAll() {
  const specs = (await findFiles(root, '.spec.ts')).sort();
  if (specs.length === 0) return [];
  const integrations = dealt(specs.filter(isIntegration), INTEGRATION_RUNS).map((hand) => runSpecs(hand, true));
  const results = [];
  const unused = runCheck(UNUSED);
  for (const check of CHECKS) results.push(await runCheck(check));
  results.push(await unused);
  results.push(await runSpecs(specs.filter(isUnit)));
  console.log('\nIntegration tests ran beside these:');
  for (const integration of integrations) {
    results.push(await integration);
    process.stdout.write((await integration).output);
  }
  results.push(await runSpecs(specs.filter(isSystem)));
  return results;
}

/** One to each in turn: specs that stand together often take as long as each other. */
function dealt(specs, hands) {
  return Array.from({ length: hands }, (_, hand) => specs.filter((_, index) => index % hands === hand));
}

/** What a run comes to whose tests all ran, and whose process then had to be killed. */
const HUNG_AT_ITS_END = 'hung at its end';

/**
 * Ctrl-C reaches the child as well, which ends first; we then report what there is. A file takes what is printed
 * aside: a pipe would stay open for as long as anything that a crashed test left behind.
 *
 * A process that does not end is killed, and says where it stood: no run goes on for ever. What a test leaves open is
 * found by the reporter before that, and is a failure; a process that is past its tests and past that check, and
 * hangs while it is taken down, has nothing left to fail.
 * @returns the exit code, the signal, or HUNG_AT_ITS_END.
 */
async function run(args, { outputFile, countFile } = {}) {
  const sink = outputFile === undefined ? undefined : openSync(outputFile, 'w');
  let watch;
  try {
    return await new Promise((resolve) => {
      const stdio = sink === undefined ? 'inherit' : ['ignore', sink, sink];
      const child = spawn(process.execPath, args, { cwd: root, stdio });
      child.once('error', () => resolve(1));
      child.once('exit', (code, signal) => resolve(code ?? signal));
      const startedAt = Date.now();
      watch = setInterval(async () => {
        const atItsEnd = countFile !== undefined && (await age(countFile)) > END_MS;
        if (!atItsEnd && Date.now() - startedAt < LIMIT_MS) return;
        clearInterval(watch);
        console.log(`\nKilled, because it did not end${atItsEnd ? ' after its last test' : ''}: ${args.join(' ')}`);
        console.log(await whereItStands(child.pid));
        if (atItsEnd) resolve(HUNG_AT_ITS_END);
        child.kill('SIGKILL');
      }, 1_000);
    });
  } finally {
    clearInterval(watch);
    if (sink !== undefined) closeSync(sink);
  }
}

/** @returns milliseconds since the file was written; 0 while there is none. */
const age = (file) =>
  stat(file).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => 0,
  );

/** @returns a line for each thread of a process: its name, its state and where in the kernel it waits (Linux). */
async function whereItStands(pid) {
  const read = (file) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '?');
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const lines = threads.map(async (thread) => {
    const [state, wait] = await Promise.all([read(`task/${thread}/stat`), read(`task/${thread}/wchan`)]);
    return `  ${state.split(' ').slice(1, 3).join(' ')} ${wait}`;
  });
  return (await Promise.all(lines)).join('\n');
}

process.on('SIGINT', () => undefined);
const own = process.argv.slice(2);
const results = own.length === 0 ? await runAll() : [await runSpecs(own)];
const total = (key) => results.reduce((sum, result) => sum + result[key], 0);
console.log(`\n${total('passed')} passed, ${total('failed')} failed`);
process.exit(total('failed') === 0 && total('passed') > 0 ? 0 : 1);
