/**
 * `npm run -s audit`: proves the invariants over the whole database and prints a verdict. Works on the database
 * directly, beside a running node or without one.
 */
import { ACTORS } from '../actors/index.ts';
import { loadConfig } from '../config/config.ts';
import { systemClock } from '../kernel/clock.ts';
import { auditDatabase } from '../audit/audit-database.ts';
import { auditText, reportOf } from './audit-report.ts';
import {
  EXIT_BAD_VERDICT,
  EXIT_OK,
  HELP_OPTION,
  numberOption,
  parseCommandLine,
  runCommand,
} from './support/command-line.ts';
import { withDatabase } from './support/database.ts';
import { Progress } from './support/progress.ts';
import { openReportFile } from './support/report-file.ts';

const USAGE = `Usage: npm run -s audit -- [--settle-grace-seconds N] [--json FILE]

Proves invariants 1 and 3 to 8 over the whole database, in one consistent picture of it: every journal row is read and
folded, snapshots and read models are compared with the fold, and orders, payments, reservations and stock with each
other. Views that are behind their journal, and that nothing moves, are a violation; entities set apart are named. A
running node is not disturbed; without one, an embedded database is started for as long as it takes.

  --settle-grace-seconds N  an order that is unsettled for less than N seconds is pending, not wrong; 60 if left out
  --json FILE               writes the verdict as JSON as well
  --help                    this text

Exit code 0: clean. 1: an invariant is violated; the first offenders are named. 2: the database could not be audited.
`;

const SETTLE_GRACE_SECONDS_MAX = 86_400;
const EXIT_NOT_AUDITED = 2;

async function main(args: readonly string[]): Promise<number> {
  const options = {
    ...HELP_OPTION,
    'settle-grace-seconds': { type: 'string', default: '60' },
    json: { type: 'string' },
  } as const;
  const { values } = parseCommandLine(args, options, 0);
  if (values.help) {
    process.stdout.write(USAGE);
    return EXIT_OK;
  }
  const graceSeconds = numberOption(
    'settle-grace-seconds',
    values['settle-grace-seconds'],
    0,
    SETTLE_GRACE_SECONDS_MAX,
  );
  const reportFile = await openReportFile(values.json);
  const startedAt = systemClock.monotonicMs();
  const progress = new Progress(process.stderr, systemClock);
  const result = await withDatabase(loadConfig(), (databaseUrl) =>
    auditDatabase(databaseUrl, ACTORS, {
      settleGraceMs: graceSeconds * 1000,
      stage: (label, rows) => progress.begin(label, 'rows', rows),
      progress: (rows) => progress.update(rows),
    }).finally(() => progress.end()),
  );
  const report = reportOf(result, systemClock.monotonicMs() - startedAt, process.resourceUsage().maxRSS);
  process.stdout.write(auditText(result, report));
  await reportFile.write(report);
  return report.verdict === 'clean' ? EXIT_OK : EXIT_BAD_VERDICT;
}

process.exitCode = await runCommand({ name: 'audit', usage: USAGE, exitWhenImpossible: EXIT_NOT_AUDITED }, () =>
  main(process.argv.slice(2)),
);
