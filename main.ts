/**
 * Where a node begins. As the primary: the composition root of the node. As a forked worker: see worker.ts.
 *
 * Start order, and its exact reverse to stop:
 *   settings -> DATA_DIR, lock -> admin port -> PostgreSQL (embedded or by URL) -> migrations -> workers -> ready
 *
 * The primary is never on the hot path: it holds no order and no shard.
 */
import cluster from 'node:cluster';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { SHOP } from './actors/index.ts';
import { SHARD_HASH } from './runtime/sharding/shard-of.ts';
import { ConfigError } from './config/config-error.ts';
import { loadConfig, type Config } from './config/config.ts';
import { readOrCreateNodeId } from './config/node-id.ts';
import { AdminServer } from './http/admin/admin-server.ts';
import { createAuthenticator, type Authenticator, type Peer } from './http/authenticator.ts';
import { Problem } from './http/problems.ts';
import { systemClock } from './kernel/clock.ts';
import { checkBroker } from './messaging/rabbitmq/check-broker.ts';
import { PostgresOwnershipStore } from './persistence/postgres/ownership-store.ts';
import { prepareDataDir } from './config/data-dir.ts';
import { readOrCreateDevSecret } from './config/dev-secret.ts';
import { isLoopbackHost } from './config/loopback.ts';
import { takeNodeLock } from './config/node-lock.ts';
import { openRuntimeDir } from './config/runtime-dir.ts';
import { messageOf, StartupError } from './kernel/errors.ts';
import { createLogger } from './kernel/logger.ts';
import { redactSecrets } from './kernel/redact.ts';
import { endsWithin, StopOrder, stopOrEnd, StopWanted } from './kernel/stop-order.ts';
import {
  EmbeddedPostgresError,
  startEmbeddedPostgres,
  type EmbeddedPostgres,
} from './persistence/embedded/embedded-postgres.ts';
import { prepareDatabase, type DatabaseFacts } from './persistence/postgres/prepare-database.ts';
import { sessionsOfNode } from './persistence/postgres/session-budget.ts';
import { ListeningSocket } from './supervisors/listening-socket.ts';
import { SeenMarker, type Comparison } from './supervisors/seen-marker.ts';
import { WorkerSupervisor } from './supervisors/worker-supervisor.ts';
import { sayStarted } from './welcome.ts';
import { assertPatches } from './patched/index.ts';
import { runWorker } from './worker.ts';

/** A terminal's Ctrl-C reaches us from npm and from the terminal: twice within this time is one stop. */
const SECOND_SIGNAL_MS = 1_000;
const NODE_RECORD_FILE = 'node.json';
/** Of SHUTDOWN_TIMEOUT_MS: for what is stopped behind the workers, above all an embedded PostgreSQL. */
const STOP_RESERVE_SHARE = 0.2;
const STOP_RESERVE_MS_MAX = 5_000;
/** A database that does not answer must not delay a stop. */
const FAREWELL_MS = 1_000;

/** What the stop needs of a node that runs, before its parts are stopped. */
interface RunningNode {
  supervisor?: WorkerSupervisor;
}

async function runNode(config: Config, started: StopOrder, running: RunningNode, log: Logger): Promise<string> {
  const { dataDir } = config;
  let phase = 'preparing DATA_DIR';
  await prepareDataDir(dataDir);
  const runtimeDir = await openRuntimeDir(dataDir);
  const lock = await takeNodeLock(dataDir, runtimeDir);
  started.add({ name: 'lock of DATA_DIR', stop: () => lock.release() });

  const nodeId = await readOrCreateNodeId(dataDir);
  const devSecret = usesDevSecret(config) ? await devSecretOf(config) : undefined;
  const authenticator = createAuthenticator(
    { ...config.auth, ...(devSecret !== undefined && { jwtSecret: devSecret }) },
    systemClock,
    log,
  );

  const node: { supervisor?: WorkerSupervisor; ownership?: PostgresOwnershipStore } = {};
  const admin = new AdminServer({
    log,
    status: () => ({
      nodeId,
      phase,
      ready: node.supervisor?.takesRequests ?? false,
      shards: config.shards,
      intensity: node.supervisor?.intensity,
      workers: node.supervisor?.workers ?? [],
    }),
    membership: async () => node.ownership?.membership(),
    authorize: (authorization, peer) => requireAdmin(authenticator, authorization, peer),
    restartWorker: (id) => node.supervisor?.restart(id, config.shutdownTimeoutMs) ?? 'busy',
    drain: () => process.kill(process.pid, 'SIGTERM'),
  });
  const adminPort = await admin.listen(config.adminPort, config.adminHost);
  started.add({ name: 'admin port', stop: () => admin.close() });
  const socket = await ListeningSocket.bind(config.port, config.host);
  started.add({ name: 'port', stop: () => socket.close() });

  phase = 'starting PostgreSQL';
  const embedded =
    config.databaseUrl === undefined
      ? await startEmbeddedPostgres({ dataDir, runtimeDir, clock: systemClock, log })
      : undefined;
  if (embedded) started.add({ name: 'embedded PostgreSQL', stop: () => embedded.stop(), msMax: Infinity });
  const databaseUrl = embedded?.url ?? config.databaseUrl!;

  phase = 'migrating the database';
  const facts = await started.unlessWanted(
    prepareDatabase(
      databaseUrl,
      { shards: config.shards, shardHash: SHARD_HASH },
      { sessions: sessionsOfNode(config.workers) },
    ),
  );
  const { serverVersion, clockSkewMs, isNew } = facts;
  log.info({ serverVersion, clockSkewMs, isNew }, 'the database is ready to use');

  phase = 'asking the broker';
  const brokerAway = config.amqpUrl === undefined ? undefined : await started.unlessWanted(checkBroker(config.amqpUrl));
  if (brokerAway !== undefined) log.warn({ reason: brokerAway }, 'RabbitMQ is away; events wait, orders do not');

  const deploymentId = await compareWithSeen(config, { databaseUrl, nodeId, facts, brokerAway }, started, log);

  phase = 'recovering';
  // Only one node runs on a DATA_DIR: workers of this one that are members still are dead.
  const ownership = new PostgresOwnershipStore(databaseUrl, `holdfast/node-${process.pid}`);
  started.add({ name: 'membership', stop: () => ownership.close() });
  await started.unlessWanted(ownership.forgetNode(nodeId));
  await started.unlessWanted(refuseUnreachableMachines(ownership, config));
  node.ownership = ownership;
  const version = await packageVersion();
  const workers = new WorkerSupervisor({
    clock: systemClock,
    log,
    workers: config.workers,
    socket,
    settingsOf: (slot, workerId) => ({
      slot,
      workerId,
      nodeId,
      config,
      databaseUrl,
      runtimeDir,
      idempotencyNamespace: facts.idempotencyNamespace,
      deploymentId,
      ...(devSecret !== undefined && { devSecret }),
      version,
    }),
  });
  node.supervisor = workers;
  running.supervisor = workers;
  let evictions = Promise.resolve();
  workers.on('gone', (workerId) => {
    evictions = evictions.then(() => evict(ownership, workerId, log));
  });
  const stopWorkers = async (): Promise<void> => {
    const startedMs = systemClock.monotonicMs();
    // Other nodes take over the shards that these give away; without any, no worker takes its neighbour's.
    const drained = ownership
      .drainNode(nodeId)
      .catch((error: unknown) => log.warn({ reason: messageOf(error) }, 'the node could not be marked as draining'));
    await endsWithin(drained, FAREWELL_MS, systemClock);
    const { shutdownTimeoutMs } = config;
    const reserveMs = Math.min(STOP_RESERVE_MS_MAX, shutdownTimeoutMs * STOP_RESERVE_SHARE);
    await workers.stop(shutdownTimeoutMs - reserveMs - (systemClock.monotonicMs() - startedMs));
    await endsWithin(evictions, FAREWELL_MS, systemClock);
  };
  started.add({ name: 'workers', stop: stopWorkers, msMax: Infinity });
  await started.unlessWanted(allReady(workers));
  const { port } = socket;
  if (embedded) await started.unlessWanted(applyFirst(workers));

  const recordFile = path.join(dataDir, NODE_RECORD_FILE);
  await writeFile(recordFile, JSON.stringify({ pid: process.pid, port, adminPort, databaseUrl }), { mode: 0o600 });
  started.add({ name: 'record of the node', stop: () => rm(recordFile, { force: true }) });
  const takesRequests = workers.takesRequests;
  await sayStarted(config, { port, adminPort, devSecret, takesRequests }, log);
  phase = 'running';
  return started.unlessWanted(failure(workers, embedded));
}

interface WhatIsThere {
  readonly databaseUrl: string;
  readonly nodeId: string;
  readonly facts: DatabaseFacts;
  readonly brokerAway: string | undefined;
}

/** Says what the start found of the database's past. @returns the deployment that it is. */
async function compareWithSeen(
  { amqpUrl }: Config,
  { databaseUrl, nodeId, facts, brokerAway }: WhatIsThere,
  started: StopOrder,
  log: Logger,
): Promise<string> {
  sayFound(facts, log);
  if (amqpUrl === undefined) return facts.deploymentId;
  const marker = new SeenMarker({ amqpUrl, databaseUrl, nodeId, clock: systemClock, log });
  started.add({ name: 'mark of what was seen', stop: () => marker.stop() });
  const found = await started.unlessWanted(marker.compare(brokerAway));
  sayFound(found, log);
  if (brokerAway === undefined) await started.unlessWanted(marker.mark());
  marker.start();
  return found.deploymentId;
}

/** Loud: who restored or copied the database, and consumers that compare ids by hand, should know. */
function sayFound({ begun, copyOf, deploymentId }: Comparison, log: Logger): void {
  if (begun) {
    const { number, tag, reason } = begun;
    log.warn({ number, tag, reason }, 'a new incarnation begins: message ids of new events differ from all before');
  }
  if (copyOf !== undefined)
    log.warn(
      { copyOf, deploymentId },
      'the database is a copy, and a deployment of its own from now on; if the original is gone for good, stop all nodes and run: npm run -s incarnation -- resume',
    );
}

const usesDevSecret = ({ auth }: Config): boolean => auth.jwtSecret === undefined && auth.jwksUrl === undefined;

/** @throws ConfigError on an address that others reach: others could sign tokens with the dev tools' secret. */
async function devSecretOf(config: Config): Promise<string> {
  const open = [config.host, config.adminHost].find((host) => !isLoopbackHost(host));
  if (open !== undefined && !config.allowDevTokens) {
    throw new ConfigError(
      `${open === config.host ? 'HOST' : 'ADMIN_HOST'} is ${open}, which other machines may reach, and tokens would be verified with a secret that the node made up. ` +
        'Set JWT_SECRET or JWKS_URL, or ALLOW_DEV_TOKENS=true to take the risk.',
    );
  }
  return readOrCreateDevSecret(config.dataDir);
}

/** @throws StartupError: workers of two machines would own shards that the others can't reach. */
async function refuseUnreachableMachines(
  ownership: PostgresOwnershipStore,
  { machineName, amqpUrl }: Config,
): Promise<void> {
  const { members } = await ownership.membership();
  const hasBroker = amqpUrl !== undefined;
  const other = members.find((member) => member.host !== machineName && !(hasBroker && member.hasBroker));
  if (other) {
    throw new StartupError(
      `A node on the machine ${other.host} runs on this database, and nodes of several machines reach each other through RabbitMQ only. ` +
        `Set AMQP_URL for both, or stop that node, or set DATABASE_URL to another database.`,
    );
  }
}

/** A dead worker's shards are free at once; else its lease would have to run out. */
async function evict(ownership: PostgresOwnershipStore, workerId: string, log: Logger): Promise<void> {
  try {
    await ownership.evict([workerId]);
  } catch (error) {
    log.warn({ workerId, reason: messageOf(error) }, 'a dead worker could not be struck off; its lease will run out');
  }
}

/** @throws Problem unauthenticated, rate_limited, forbidden. */
async function requireAdmin(
  authenticator: Authenticator,
  authorization: string | undefined,
  peer: Peer,
): Promise<void> {
  const { role } = await authenticator.authenticate(authorization, peer);
  if (role !== 'admin') throw new Problem('forbidden', 'Only the role admin may do this.');
}

/** @throws StartupError when the workers can't start. */
function allReady(workers: WorkerSupervisor): Promise<void> {
  return new Promise((resolve, reject) => {
    workers.once('ready', resolve);
    workers.once('failed', (message) => reject(new StartupError(message)));
  });
}

function applyFirst(workers: WorkerSupervisor): Promise<void> {
  return new Promise((resolve) => {
    workers.once('firstApplied', resolve);
    workers.tell(0, { kind: 'apply_first' });
  });
}

/** Resolves with the reason when the node can't go on. */
function failure(workers: WorkerSupervisor, embedded: EmbeddedPostgres | undefined): Promise<string> {
  return new Promise((resolve) => {
    workers.once('failed', resolve);
    void embedded?.exited.then((exit) => {
      if (exit.reason === 'failed') resolve(exit.error.message);
    });
  });
}

async function packageVersion(): Promise<string> {
  const here = path.dirname(fileURLToPath(import.meta.url));
  for (const folder of [here, path.dirname(here)]) {
    const text = await readFile(path.join(folder, 'package.json'), 'utf8').catch(() => undefined);
    if (text !== undefined) return (JSON.parse(text) as { version: string }).version;
  }
  return 'unknown';
}

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

async function main(): Promise<void> {
  let config: Config;
  try {
    assertPatches();
    config = loadConfig(undefined, SHOP.settings);
  } catch (error) {
    sayError(messageOf(error));
    process.exit(1);
  }
  const log = createLogger({ level: config.logLevel, base: { process: 'primary', pid: process.pid } });
  for (const reason of config.warnings) log.warn({ reason }, 'a setting is legal but unwise');
  const started = new StopOrder();
  const wanted = signalled(log);
  const node: RunningNode = {};
  const running = runNode(config, started, node, log);
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
  await node.supervisor?.retire(exitCode === 0 ? config.drainDelayMs : 0);
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

if (cluster.isPrimary) void main();
else runWorker();
