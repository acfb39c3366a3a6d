/**
 * The node that a command starts for itself: a process of its own, whose log goes to a file in DATA_DIR, and which ends
 * with the command. In its own process group, so that Ctrl-C reaches the command first and the node is stopped in
 * order.
 */
import { spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepareDataDir } from '../../config/data-dir.ts';
import { CommandError } from './command-line.ts';

const LOG_FILE = 'own-node.log';
/** The time a node gets beyond its own shutdown timeout before it is killed. */
const STOP_GRACE_MS = 10_000;
const LOG_TAIL_CHARACTERS = 2_000;

export interface OwnNode {
  readonly pid: number;
  readonly logFile: string;
  /** Why it ended by itself, with the end of its log; undefined while it runs. */
  failure(): string | undefined;
  /** Ends it in order; resolves when it is gone. */
  stop(shutdownTimeoutMs: number): Promise<void>;
}

/** @throws CommandError if the program is not built or can't be started. */
export async function startOwnNode(dataDir: string): Promise<OwnNode> {
  await prepareDataDir(dataDir);
  const program = fileURLToPath(new URL(runsFromSource() ? '../../dist/main.js' : '../../main.js', import.meta.url));
  const logFile = path.join(dataDir, LOG_FILE);
  const log = await open(logFile, 'w', 0o600);
  const child = spawn(process.execPath, ['--enable-source-maps', program], {
    cwd: path.resolve(path.dirname(program), '..'),
    stdio: ['ignore', log.fd, log.fd],
    detached: true,
  });
  let ended: string | undefined;
  const exited = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      ended = error.message;
      resolve();
    });
    child.once('exit', (code, signal) => {
      ended = signal === null ? `exit code ${code}` : `signal ${signal}`;
      resolve();
    });
  });
  // A command that dies ends its node, too; for a stopped node this has no effect.
  const killAtExit = (): void => void (ended === undefined && child.kill('SIGTERM'));
  process.once('exit', killAtExit);
  await log.close();
  if (child.pid === undefined) throw new CommandError(`${program} can't be started: ${ended ?? 'no process'}.`);
  let logTail = '';
  void exited.then(async () => {
    logTail = (await readFile(logFile, 'utf8').catch(() => '')).slice(-LOG_TAIL_CHARACTERS);
  });
  return {
    pid: child.pid,
    logFile,
    failure: () => (ended === undefined ? undefined : `${ended}.\n${logTail}`),
    stop: async (shutdownTimeoutMs) => {
      process.removeListener('exit', killAtExit);
      child.kill('SIGTERM');
      const killer = setTimeout(() => child.kill('SIGKILL'), shutdownTimeoutMs + STOP_GRACE_MS);
      await exited;
      clearTimeout(killer);
    },
  };
}

/** Under tsx (tests) this file is TypeScript, and the program stands beside it as built. */
function runsFromSource(): boolean {
  return import.meta.url.endsWith('.ts');
}
