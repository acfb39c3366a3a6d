/** The command `npm run chaos`: its arguments, its signals, its exit code. */
import { randomInt } from 'node:crypto';
import { Cleanup } from '../bench/host/cleanup.ts';
import { readProcessTable } from '../bench/host/process-table.ts';
import { CommandError, EXIT_BAD_VERDICT, EXIT_OK, runCommand } from '../commands/support/command-line.ts';
import { openReportFile } from '../commands/support/report-file.ts';
import { messageOf } from '../kernel/errors.ts';
import { ChaosRun } from './chaos-run.ts';
import { parseOptions, USAGE } from './options.ts';
import { ProgressLine } from './progress-line.ts';
import { SEED_MAX } from './random.ts';
import { formatReport } from './run-report.ts';

const EXIT_NOT_RUN = 3;
const EXIT_INTERRUPTED = 130;
/** npm passes a terminal's signal on a second time; only a later one is a second Ctrl-C. */
const SAME_SIGNAL_MS = 1_000;

async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args, () => randomInt(SEED_MAX));
  if (options === undefined) {
    process.stdout.write(USAGE);
    return EXIT_OK;
  }
  if (readProcessTable() === undefined) throw new CommandError('Only on Linux: workers are found in /proc.');
  const reportFile = await openReportFile(options.jsonFile);
  const cleanup = new Cleanup();
  tidyUpOnSignals(cleanup);
  const progress = new ProgressLine(process.stderr);
  process.stderr.write(`chaos: seed ${options.seed}\n`);
  try {
    const report = await new ChaosRun(options, cleanup, progress).run();
    process.stdout.write(formatReport(report));
    await reportFile.write(report);
    return report.verdict === 'clean' ? EXIT_OK : EXIT_BAD_VERDICT;
  } catch (error) {
    // A run that is being stopped fails somewhere; that failure is not reported to the person who stopped it.
    if (cleanup.hasBegun) return EXIT_INTERRUPTED;
    throw new CommandError(`no verdict (seed ${options.seed}). ${messageOf(error)}`, { cause: error });
  } finally {
    progress.end();
    await cleanup.run();
    for (const problem of cleanup.problems) process.stderr.write(`chaos: could not tidy up: ${messageOf(problem)}\n`);
  }
}

function tidyUpOnSignals(cleanup: Cleanup): void {
  let firstAtMs: number | undefined;
  const stop = (): void => {
    if (firstAtMs !== undefined && performance.now() - firstAtMs > SAME_SIGNAL_MS) process.exit(EXIT_INTERRUPTED);
    if (firstAtMs !== undefined) return;
    firstAtMs = performance.now();
    process.stderr.write('\nchaos: ending the nodes and removing their database ...\n');
    void cleanup.run().then(() => process.exit(EXIT_INTERRUPTED));
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
}

process.exitCode = await runCommand({ name: 'chaos', usage: USAGE, exitWhenImpossible: EXIT_NOT_RUN }, () =>
  main(process.argv.slice(2)),
);
