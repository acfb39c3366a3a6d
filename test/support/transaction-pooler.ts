/**
 * PgBouncer in transaction mode before the server of a test, with a folder and a port of its own. Where it is not
 * installed the test is skipped with a word.
 */
import { spawn, spawnSync } from 'node:child_process';
import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePorts } from '../../config/free-ports.ts';
import { skipWithReason } from './skip-with-reason.ts';
import { waitUntil } from './wait-until.ts';

/** It refuses to run as root; any user does. */
const DAEMON = 1;
const PARAMETERS = 'options,extra_float_digits,statement_timeout,idle_in_transaction_session_timeout,lock_timeout';

export interface TransactionPooler {
  readonly url: string;
  stop(): Promise<void>;
}

/** @param keepsSettings sets on the server's side what the node sets, so that only the sharing of sessions is wrong. */
export async function startTransactionPooler(
  test: Mocha.Context,
  databaseUrl: string,
  { keepsSettings = false } = {},
): Promise<TransactionPooler> {
  if (spawnSync('pgbouncer', ['--version']).status !== 0) skipWithReason(test, 'pgbouncer is not installed');
  const { hostname, port, username, pathname } = new URL(databaseUrl);
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-pooler-'));
  const [own] = await freePorts(1);
  const settings = `SET jit = off; SET TimeZone = 'UTC'; SET synchronous_commit = on`;
  const file = path.join(folder, 'pooler.ini');
  await writeFile(
    file,
    `[databases]
${pathname.slice(1)} = host=${hostname} port=${port || '5432'} user=${username}${keepsSettings ? ` connect_query='${settings.replaceAll("'", "''")}'` : ''}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${own}
unix_socket_dir =
auth_type = any
pool_mode = transaction
ignore_startup_parameters = ${PARAMETERS}
`,
  );
  await chmod(folder, 0o755);
  await chown(folder, DAEMON, DAEMON).catch(() => undefined);
  const identity = process.getuid?.() === 0 ? { uid: DAEMON, gid: DAEMON } : {};
  const child = spawn('pgbouncer', [file], { stdio: 'ignore', ...identity });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  await waitUntil('the pooler listens', () => accepts(own!));
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${own}`;
  return {
    url: url.href,
    stop: async () => {
      child.kill('SIGKILL');
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const answer = (accepted: boolean): void => {
      socket.destroy();
      resolve(accepted);
    };
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
  });
}
