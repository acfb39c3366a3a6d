/** Runs the project's own audit as a second judge: the real program, on the database of the run. */
import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { programFile } from '../../bench/host/program-file.ts';
import { inheritedEnvironment } from '../../bench/targets/environment.ts';
import type { AuditReport } from '../../commands/audit-report.ts';
import type { Violation } from './violation.ts';

const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;
const OUTPUT_SHOWN_LENGTH = 500;

/** @param folder for its report. */
export async function runAudit(databaseUrl: string, folder: string): Promise<Violation[]> {
  const file = path.join(folder, 'audit.json');
  const args = [programFile('commands/audit'), '--settle-grace-seconds', '0', '--json', file];
  const env = { ...inheritedEnvironment(), DATABASE_URL: databaseUrl };
  const { code, output } = await new Promise<{ code: number; output: string }>((resolve) => {
    execFile(
      process.execPath,
      [...process.execArgv, ...args],
      { env, maxBuffer: OUTPUT_BYTES_MAX },
      (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code ?? 1), output: stdout + stderr }),
    );
  });
  const report = await readFile(file, 'utf8').then(
    (text) => JSON.parse(text) as AuditReport,
    () => undefined,
  );
  await rm(file, { force: true });
  const violations = (report?.invariants ?? []).flatMap(({ invariant, rule, offenders }) =>
    offenders.map(({ entityId, expected, found }) => ({
      rule: `audit_invariant_${invariant}`,
      subject: `${entityId} (${rule})`,
      expected,
      found,
    })),
  );
  if (code === 0 || violations.length > 0) return violations;
  const found = `exit code ${code}: ${output.slice(-OUTPUT_SHOWN_LENGTH)}`;
  return [{ rule: 'audit_failed', subject: 'the audit', expected: 'exit code 0', found }];
}
