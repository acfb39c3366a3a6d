/**
 * A node as a program, over any list of kinds of actors. As the primary: see primary/node.ts. As a forked worker: see worker.ts.
 *
 * Start order, and its exact reverse to stop:
 *   settings -> DATA_DIR, lock -> admin port -> PostgreSQL (embedded or by URL) -> migrations -> workers -> ready
 *
 * The primary is never on the hot path: it holds no order and no shard.
 */
import cluster from 'node:cluster';
import type { Logger } from 'pino';
import type { ComposedActors } from './actors/compose-actors.ts';
import { ConfigError } from './config/config-error.ts';
import { loadConfig, type Config } from './config/config.ts';
import { systemClock } from './kernel/clock.ts';
import { messageOf, StartupError } from './kernel/errors.ts';
import { createLogger } from './kernel/logger.ts';
import { redactSecrets } from './kernel/redact.ts';
import { endsWithin, StopOrder, stopOrEnd, StopWanted } from './kernel/stop-order.ts';
import { assertPatches } from './patched/index.ts';
import { EmbeddedPostgresError } from './persistence/embedded/embedded-postgres.ts';
import { PrimaryNode } from './primary/node.ts';
import { runWorker } from './worker.ts';

/** A terminal's Ctrl-C reaches us from npm and from the terminal: twice within this time is one stop. */
const SECOND_SIGNAL_MS = 1_000;

/** Resolves with the exit code when a person, or a supervisor above us, wants the node to end. */
function signalled(log: Logger): Promise<number> {
  return new Promise((resolve) => {
    let firstAt: number | undefined;
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        if (firstAt === undefined) {
          firstAt = systemClock.monotonicMs();
          log.info({ signal }, 'stopping: finishing what is under way');
          resolve(0);
        } else if (systemClock.monotonicMs() - firstAt > SECOND_SIGNAL_MS) {
          log.warn({ signal }, 'stopping at once');
          process.exit(1);
        }
      });
    }
  });
}

/** A URL with its password may stand in the text of an error. */
function sayError(text: string): void {
  process.stderr.write(`${redactSecrets(text)}\n`);
}

async function runPrimary(actors: ComposedActors): Promise<void> {
  let config: Config;
  try {
    assertPatches();
    config = loadConfig(undefined, actors.settings);
  } catch (error) {
    sayError(messageOf(error));
    process.exit(1);
  }
  const log = createLogger({ level: config.logLevel, base: { process: 'primary', pid: process.pid } });
  for (const reason of config.warnings) log.warn({ reason }, 'a setting is legal but unwise');
  const started = new StopOrder();
  const wanted = signalled(log);
  const node = new PrimaryNode({ actors, config, started, clock: systemClock, log });
  const running = node.run();
  let exitCode: number;
  let said: unknown;
  try {
    const ended = await Promise.race([running, wanted]);
    exitCode = typeof ended === 'number' ? ended : 1;
    if (typeof ended === 'string') sayError(ended);
  } catch (error) {
    exitCode = 1;
    said = error;
    const forAPerson =
      error instanceof ConfigError || error instanceof StartupError || error instanceof EmbeddedPostgresError;
    if (forAPerson) sayError(error.message);
    else log.fatal({ err: error }, 'the node could not start');
  }
  // A node that fails has nothing to linger for.
  await node.retire(exitCode === 0 ? config.drainDelayMs : 0);
  const timeoutMs = config.shutdownTimeoutMs;
  const end = (): void => {
    log.flush();
    for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill('SIGKILL');
    process.exit(1);
  };
  await stopOrEnd(() => stopAll(started, unsaidEnd(running, said, log), timeoutMs, log), {
    timeoutMs,
    clock: systemClock,
    log,
    end,
  });
  log.flush();
  process.exit(exitCode);
}

/** Where a stop came first, what the start then fails of is in no line yet. @param said what is. */
function unsaidEnd(running: Promise<unknown>, said: unknown, log: Logger): Promise<unknown> {
  return running.catch((error: unknown) => {
    if (error === said || error instanceof StopWanted) return;
    log.warn({ reason: messageOf(error) }, 'the start ended with the stop');
  });
}

async function stopAll(started: StopOrder, ended: Promise<unknown>, timeoutMs: number, log: Logger): Promise<void> {
  const deadline = systemClock.monotonicMs() + timeoutMs;
  started.want();
  // A start that is under way ends behind the part in hand, which then is stopped before those that it needs. A node
  // that runs waits for failures only.
  await endsWithin(ended, deadline - systemClock.monotonicMs(), systemClock);
  await started.stop({ log, clock: systemClock, deadline });
}

/** Forks itself: its workers begin in the same file as it does. */
export function runProgram(actors: ComposedActors): void {
  if (cluster.isPrimary) void runPrimary(actors);
  else runWorker(actors);
}
