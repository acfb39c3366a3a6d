/** The command `npm run bench`: its arguments, its signals, its exit code. */
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { messageOf } from '../kernel/errors.ts';
import { callerPath } from '../config/caller-path.ts';
import { loadConfig } from '../config/config.ts';
import { DatabaseServer } from './database/database-server.ts';
import { Cleanup } from './host/cleanup.ts';
import { HELP, parseOptions, type RunOptions } from './options.ts';
import { openProfile, writeProfile } from './profile/write-profile.ts';
import { Progress } from './progress.ts';
import { compareReports } from './report/compare-reports.ts';
import { csvReport } from './report/csv-report.ts';
import { hdrLog } from './report/hdr-log.ts';
import { htmlReport } from './report/html-report.ts';
import { markdownReport } from './report/markdown-report.ts';
import { readReport } from './report/read-report.ts';
import type { ScenarioReport } from './report/scenario-report.ts';
import { ScenarioRun } from './scenario-run.ts';
import { changed, findScenario, scenarioNames } from './scenarios/find-scenario.ts';

const INTERRUPTED_EXIT_CODE = 130;
/** npm passes a terminal's signal on a second time; only a later one is a second Ctrl-C. */
const SAME_SIGNAL_MS = 1000;

const parsed = parseOptions(process.argv.slice(2));
switch (parsed.kind) {
  case 'help':
    console.log(HELP);
    break;
  case 'invalid':
    process.exitCode = fail(`${parsed.problem}\nnpm run bench -- --help tells more.`);
    break;
  case 'list':
    for (const name of await scenarioNames()) console.log(`${name.padEnd(20)} ${(await findScenario(name)).about}`);
    break;
  case 'compare':
    process.exitCode = await compare(parsed.files);
    break;
  case 'run': {
    const cleanup = new Cleanup();
    tidyUpOnSignals(cleanup);
    process.exitCode = await bench(parsed, cleanup);
  }
}

function fail(problem: string): number {
  console.error(`bench: ${problem}`);
  return 1;
}

async function compare([a, b]: readonly [string, string]): Promise<number> {
  try {
    const [first, second] = await Promise.all(
      [a, b].map(async (file) => readReport(await readFile(callerPath(file), 'utf8'), file)),
    );
    console.log(compareReports(first!, second!));
    return 0;
  } catch (error) {
    return fail(messageOf(error));
  }
}

async function bench(options: RunOptions, cleanup: Cleanup): Promise<number> {
  const progress = new Progress(process.stderr);
  try {
    const scenario = changed(await findScenario(options.scenario), options.changes);
    const { databaseUrl, dataDir, amqpUrl } = loadConfig();
    if (scenario.relay !== undefined && amqpUrl === undefined) {
      throw new Error('AMQP_URL is not set, and this run needs a broker to publish to; set it as for a node');
    }
    if (options.jsonFile !== undefined) await refuseUnwritable('--json', options.jsonFile);
    if (options.report !== undefined) {
      await mkdir(callerPath(options.report), { recursive: true });
      await refuseUnwritable('--report', path.join(options.report, 'report.json'));
    }
    const profileDir = options.profile === undefined ? undefined : await openProfile(callerPath(options.profile));
    progress.begin(databaseUrl === undefined ? 'starting the embedded PostgreSQL ...' : 'connecting to PostgreSQL ...');
    const server = await DatabaseServer.open(databaseUrl, dataDir, cleanup);
    const settings = { name: options.scenario, scenario, workers: options.workers };
    const relay = scenario.relay !== undefined && amqpUrl !== undefined ? { amqpUrl } : {};
    const profiling = profileDir === undefined ? {} : { profileDir };
    const report = await new ScenarioRun({ ...settings, ...relay, ...profiling }, server, cleanup, progress).run();
    progress.end();
    if (options.jsonFile !== undefined) await writeFile(callerPath(options.jsonFile), jsonOf(report));
    if (options.report !== undefined) await writeReports(callerPath(options.report), report);
    console.log(markdownReport(report));
    if (options.profile !== undefined) console.log(await writeProfile(callerPath(options.profile), report));
    return report.invalid.length === 0 ? 0 : 1;
  } catch (error) {
    // A run that is being stopped fails somewhere; that failure is not reported to the person who stopped it.
    if (cleanup.hasBegun) return INTERRUPTED_EXIT_CODE;
    progress.end();
    return fail(`no figure. ${messageOf(error)}`);
  } finally {
    await cleanup.run();
    for (const problem of cleanup.problems) console.error(`bench: could not tidy up: ${String(problem)}`);
  }
}

/** A name that can't be written must not show itself after minutes of measuring. */
async function refuseUnwritable(option: string, file: string): Promise<void> {
  try {
    await (await open(callerPath(file), 'a')).close();
  } catch (error) {
    throw new Error(`${option} ${file} can't be written (${String(error)}); name another`, { cause: error });
  }
}

async function writeReports(folder: string, report: ScenarioReport): Promise<void> {
  const files = {
    'report.html': htmlReport(report),
    'report.json': jsonOf(report),
    'series.csv': csvReport(report),
    'latencies.hlog': hdrLog(report),
    'summary.md': markdownReport(report),
  };
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(folder, name), text);
}

function jsonOf(report: ScenarioReport): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}

function tidyUpOnSignals(cleanup: Cleanup): void {
  let firstAtMs: number | undefined;
  const stop = () => {
    if (firstAtMs !== undefined && performance.now() - firstAtMs > SAME_SIGNAL_MS) process.exit(INTERRUPTED_EXIT_CODE);
    if (firstAtMs !== undefined) return;
    firstAtMs = performance.now();
    console.error('\nbench: stopping the services and dropping their databases ...');
    void cleanup.run().then(() => process.exit(INTERRUPTED_EXIT_CODE));
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
}
