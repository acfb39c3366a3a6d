/** Owns the command `npm run bench`: its arguments, its signals, its exit code. What is measured lies below it. */
import { open, writeFile } from 'node:fs/promises';
import { callerPath } from '../config/caller-path.ts';
import { loadConfig } from '../config/config.ts';
import { DatabaseServer } from './database/database-server.ts';
import { Cleanup } from './host/cleanup.ts';
import { type BenchOptions, HELP, parseOptions } from './options.ts';
import { Progress } from './progress.ts';
import { QuickRun } from './quick-run.ts';
import { formatReport, formatVerdicts } from './report/format-report.ts';
import type { RunReport } from './report/run-report.ts';

const INTERRUPTED_EXIT_CODE = 130;
/** npm passes a terminal's signal on a second time; only a later one is a person's second. */
const SAME_SIGNAL_MS = 1000;

const parsed = parseOptions(process.argv.slice(2));
if (parsed.kind === 'help') {
  console.log(HELP);
} else if (parsed.kind === 'invalid') {
  console.error(`bench: ${parsed.problem}\nnpm run bench -- --help tells more.`);
  process.exitCode = 1;
} else {
  const cleanup = new Cleanup();
  tidyUpOnSignals(cleanup);
  process.exitCode = await bench(parsed.options, cleanup);
}

async function bench(options: BenchOptions, cleanup: Cleanup): Promise<number> {
  const progress = new Progress(process.stderr);
  try {
    const { databaseUrl, dataDir } = loadConfig();
    if (options.jsonFile !== undefined) await refuseUnwritable(options.jsonFile);
    progress.begin(databaseUrl === undefined ? 'starting the embedded PostgreSQL ...' : 'connecting to PostgreSQL ...');
    const server = await DatabaseServer.open(databaseUrl, dataDir, cleanup);
    const report = await new QuickRun(options, server, cleanup, progress).run();
    progress.end();
    if (report.sides.some(({ verdict }) => verdict.kind === 'violated')) {
      console.error(`bench: no figure.\n${formatVerdicts(report)}`);
      return 1;
    }
    if (options.jsonFile !== undefined) await writeJson(options.jsonFile, report);
    console.log(formatReport(report));
    return 0;
  } catch (error) {
    // A run that is being stopped fails in whatever it was doing; the person who stopped it need not hear of it.
    if (cleanup.hasBegun) return INTERRUPTED_EXIT_CODE;
    progress.end();
    console.error(`bench: no figure. ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  } finally {
    await cleanup.run();
    for (const problem of cleanup.problems) console.error(`bench: could not tidy up: ${String(problem)}`);
  }
}

/** A name that can't be written must not show itself after minutes of measuring. */
async function refuseUnwritable(file: string): Promise<void> {
  try {
    await (await open(callerPath(file), 'a')).close();
  } catch (error) {
    throw new Error(`--json ${file} can't be written (${String(error)}); name another file`, { cause: error });
  }
}

async function writeJson(file: string, report: RunReport): Promise<void> {
  await writeFile(callerPath(file), `${JSON.stringify(report, null, 2)}\n`);
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
