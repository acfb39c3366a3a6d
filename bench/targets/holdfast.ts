/** Holdfast as a target: a whole node as its users start it, and its own audit as the judge. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { completeOrders } from '../database/complete-orders.ts';
import { programFile } from '../host/program-file.ts';
import { inheritedEnvironment } from './environment.ts';
import type { Target, TargetPlace, Verdict } from './target.ts';

const AUDIT_OUTPUT_LINES_SHOWN = 20;
const AUDIT_OUTPUT_BYTES_MAX = 16 * 1024 * 1024;

export const holdfast: Target = {
  name: 'Holdfast',
  id: 'holdfast',
  program: 'main',
  hasMetrics: true,
  keepsHolds: true,
  environment: (place: TargetPlace) => ({
    DATABASE_URL: place.databaseUrl,
    HOST: '127.0.0.1',
    PORT: String(place.port),
    ADMIN_PORT: String(place.adminPort),
    DATA_DIR: place.dataDir,
    JWT_SECRET: place.jwtSecret,
    RATE_LIMIT_PER_MINUTE: '0',
    WORKERS: String(place.workers),
    LOG_LEVEL: 'warn',
    ...(place.shards !== undefined && { SHARDS: String(place.shards) }),
    ...(place.amqpUrl !== undefined && { AMQP_URL: place.amqpUrl }),
  }),
  verify: async (databaseUrl, ordersAnswered) => {
    const verdict = await audit(databaseUrl);
    if (verdict.kind !== 'clean') return verdict;
    const missing = ordersAnswered - (await completeOrders(databaseUrl));
    if (missing <= 0) return verdict;
    return { kind: 'violated', problems: [`${missing} of ${ordersAnswered} answered orders are not complete`] };
  },
};

/** The same, and its events stay in the journal. */
export const withoutRelay: Target = {
  ...holdfast,
  name: 'Holdfast without a broker',
  id: 'without_relay',
  environment: ({ amqpUrl: _unused, ...place }) => holdfast.environment(place),
};

async function audit(databaseUrl: string): Promise<Verdict> {
  const program = programFile('commands/audit');
  if (!existsSync(program)) return { kind: 'unchecked', reason: `${program} is not built` };
  const options = { env: { ...inheritedEnvironment(), DATABASE_URL: databaseUrl }, maxBuffer: AUDIT_OUTPUT_BYTES_MAX };
  try {
    await promisify(execFile)(process.execPath, [...process.execArgv, program], options);
    return { kind: 'clean', by: 'the audit' };
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { readonly stdout?: string; readonly stderr?: string };
    const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => line.trim() !== '');
    const shown = lines.slice(-AUDIT_OUTPUT_LINES_SHOWN);
    return { kind: 'violated', problems: shown.length > 0 ? shown : [`audit failed: ${String(error)}`] };
  }
}
