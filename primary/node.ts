/**
 * A node as its primary sees it: starts its parts in order, and hands each to the stop that ends them in the exact
 * reverse.
 */
import type { ComposedActors } from '../actors/compose-actors.ts';
import { withMigrationsOf } from '../migrations/source.ts';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { prepareDataDir } from '../config/data-dir.ts';
import { readOrCreateNodeId } from '../config/node-id.ts';
import { takeNodeLock } from '../config/node-lock.ts';
import { openRuntimeDir } from '../config/runtime-dir.ts';
import { AdminServer } from '../http/admin/admin-server.ts';
import { createAuthenticator } from '../http/authenticator.ts';
import type { Clock } from '../kernel/clock.ts';
import { messageOf, StartupError } from '../kernel/errors.ts';
import { endsWithin, type StopOrder } from '../kernel/stop-order.ts';
import { checkBroker } from '../messaging/rabbitmq/check-broker.ts';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../persistence/embedded/embedded-postgres.ts';
import { PostgresOwnershipStore } from '../persistence/postgres/ownership-store.ts';
import { prepareDatabase, type DatabaseFacts } from '../persistence/postgres/prepare-database.ts';
import { sessionsOfNode } from '../persistence/postgres/session-budget.ts';
import { SHARD_HASH } from '../runtime/sharding/shard-of.ts';
import { ListeningSocket } from '../supervisors/listening-socket.ts';
import { WorkerSupervisor } from '../supervisors/worker-supervisor.ts';
import { sayStarted } from '../welcome.ts';
import { devSecretOf, refuseUnreachableMachines, requireAdmin } from './access.ts';
import { compareWithSeen } from './past.ts';

const NODE_RECORD_FILE = 'node.json';
/** Of SHUTDOWN_TIMEOUT_MS: for the parts that stop after the workers, above all an embedded PostgreSQL. */
const STOP_RESERVE_SHARE = 0.2;
const STOP_RESERVE_MS_MAX = 5_000;
/** A stop waits no longer than this for a database that does not answer. */
const FAREWELL_MS = 1_000;

export interface PrimaryNodeDeps {
  readonly actors: ComposedActors;
  readonly config: Config;
  /** Gets each part that is started. */
  readonly started: StopOrder;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Place {
  readonly nodeId: string;
  readonly runtimeDir: string;
  readonly devSecret: string | undefined;
}

interface Doors {
  readonly socket: ListeningSocket;
  readonly adminPort: number;
}

interface Database {
  readonly url: string;
  readonly facts: DatabaseFacts;
  readonly embedded: EmbeddedPostgres | undefined;
}

export class PrimaryNode {
  readonly #deps: PrimaryNodeDeps;
  #phase = 'preparing DATA_DIR';
  #workers: WorkerSupervisor | undefined;
  #ownership: PostgresOwnershipStore | undefined;

  constructor(deps: PrimaryNodeDeps) {
    this.#deps = deps;
  }

  /** Resolves with the reason when the node can't go on. @throws StopWanted, and what keeps it from starting. */
  async run(): Promise<string> {
    const { config, started, clock, log } = this.#deps;
    const place = await this.#prepareDataDir();
    const doors = await this.#openDoors(place);
    const database = await this.#openDatabase(place);
    const { url: databaseUrl, facts, embedded } = database;
    const brokerAway = await this.#askBroker();
    const found = { databaseUrl, nodeId: place.nodeId, facts, brokerAway };
    const deploymentId = await compareWithSeen(config, found, started, clock, log);
    const workers = await this.#startWorkers(place, doors, database, deploymentId);
    if (embedded) await started.unlessWanted(applyFirst(workers));
    await this.#announce(place, doors, databaseUrl, workers);
    this.#phase = 'running';
    return started.unlessWanted(failure(workers, embedded));
  }

  /** Takes requests for so long, and says that none should come. */
  async retire(delayMs: number): Promise<void> {
    await this.#workers?.retire(delayMs);
  }

  async #prepareDataDir(): Promise<Place> {
    const { config, started } = this.#deps;
    const { dataDir } = config;
    await prepareDataDir(dataDir);
    const runtimeDir = await openRuntimeDir(dataDir);
    const lock = await takeNodeLock(dataDir, runtimeDir);
    started.add({ name: 'lock of DATA_DIR', stop: () => lock.release() });
    return { nodeId: await readOrCreateNodeId(dataDir), runtimeDir, devSecret: await devSecretOf(config) };
  }

  async #openDoors({ nodeId, devSecret }: Place): Promise<Doors> {
    const { config, started, clock, log } = this.#deps;
    const auth = { ...config.auth, ...(devSecret !== undefined && { jwtSecret: devSecret }) };
    const authenticator = createAuthenticator(auth, clock, log);
    const admin = new AdminServer({
      log,
      status: () => ({
        nodeId,
        phase: this.#phase,
        ready: this.#workers?.takesRequests ?? false,
        shards: config.shards,
        intensity: this.#workers?.intensity,
        workers: this.#workers?.workers ?? [],
      }),
      membership: async () => this.#ownership?.membership(),
      authorize: (authorization, peer) => requireAdmin(authenticator, authorization, peer),
      restartWorker: (id) => this.#workers?.restart(id, config.shutdownTimeoutMs) ?? 'busy',
      drain: () => process.kill(process.pid, 'SIGTERM'),
    });
    const adminPort = await admin.listen(config.adminPort, config.adminHost);
    started.add({ name: 'admin port', stop: () => admin.close() });
    const socket = await ListeningSocket.bind(config.port, config.host);
    started.add({ name: 'port', stop: () => socket.close() });
    return { socket, adminPort };
  }

  async #openDatabase({ runtimeDir }: Place): Promise<Database> {
    const { actors, config, started, clock, log } = this.#deps;
    const { dataDir, shards } = config;
    this.#phase = 'starting PostgreSQL';
    const embedded =
      config.databaseUrl === undefined ? await startEmbeddedPostgres({ dataDir, runtimeDir, clock, log }) : undefined;
    if (embedded) started.add({ name: 'embedded PostgreSQL', stop: () => embedded.stop(), msMax: Infinity });
    const url = embedded?.url ?? config.databaseUrl!;
    this.#phase = 'migrating the database';
    const sessions = sessionsOfNode(config.workers);
    const migrations = withMigrationsOf(actors.views);
    const wanted = { shards, shardHash: SHARD_HASH };
    const facts = await started.unlessWanted(prepareDatabase(url, wanted, { sessions, migrations }));
    const { serverVersion, clockSkewMs, isNew } = facts;
    log.info({ serverVersion, clockSkewMs, isNew }, 'the database is ready to use');
    return { url, facts, embedded };
  }

  /** @returns why it is away; undefined: it is not, or not wanted. */
  async #askBroker(): Promise<string | undefined> {
    const { config, started, log } = this.#deps;
    this.#phase = 'asking the broker';
    if (config.amqpUrl === undefined) return undefined;
    const reason = await started.unlessWanted(checkBroker(config.amqpUrl));
    if (reason !== undefined) log.warn({ reason }, 'RabbitMQ is away; events wait, orders do not');
    return reason;
  }

  /** Resolves when all are ready. */
  async #startWorkers(
    { nodeId, runtimeDir, devSecret }: Place,
    { socket }: Doors,
    { url: databaseUrl, facts }: Database,
    deploymentId: string,
  ): Promise<WorkerSupervisor> {
    const { config, started, clock, log } = this.#deps;
    this.#phase = 'recovering';
    // Only one node runs on a DATA_DIR: workers of this one that are members still are dead.
    const ownership = new PostgresOwnershipStore(databaseUrl, `holdfast/node-${process.pid}`);
    started.add({ name: 'membership', stop: () => ownership.close() });
    await started.unlessWanted(ownership.forgetNode(nodeId));
    await started.unlessWanted(refuseUnreachableMachines(ownership, config));
    this.#ownership = ownership;
    const { idempotencyNamespace } = facts;
    const secret = devSecret === undefined ? {} : { devSecret };
    const ofAll = { nodeId, config, databaseUrl, runtimeDir, idempotencyNamespace, deploymentId, ...secret };
    const version = await packageVersion();
    const workers = new WorkerSupervisor({
      clock,
      log,
      workers: config.workers,
      socket,
      settingsOf: (slot, workerId) => ({ slot, workerId, version, ...ofAll }),
    });
    this.#workers = workers;
    let evictions = Promise.resolve();
    workers.on('gone', (workerId) => {
      evictions = evictions.then(() => evict(ownership, workerId, log));
    });
    const stop = async (): Promise<void> => {
      await this.#stopWorkers(workers, ownership, nodeId);
      await endsWithin(evictions, FAREWELL_MS, clock);
    };
    started.add({ name: 'workers', stop, msMax: Infinity });
    await started.unlessWanted(allReady(workers));
    return workers;
  }

  async #stopWorkers(workers: WorkerSupervisor, ownership: PostgresOwnershipStore, nodeId: string): Promise<void> {
    const { config, clock, log } = this.#deps;
    const { shutdownTimeoutMs } = config;
    const startedMs = clock.monotonicMs();
    // Other nodes take over what these give away. In a node that is alone each worker keeps its shards to the end.
    const drained = ownership
      .drainNode(nodeId)
      .catch((error: unknown) => log.warn({ reason: messageOf(error) }, 'the node could not be marked as draining'));
    await endsWithin(drained, FAREWELL_MS, clock);
    const reserveMs = Math.min(STOP_RESERVE_MS_MAX, shutdownTimeoutMs * STOP_RESERVE_SHARE);
    await workers.stop(shutdownTimeoutMs - reserveMs - (clock.monotonicMs() - startedMs));
  }

  /** Writes where the node is to be found, and says so. */
  async #announce(
    { devSecret }: Place,
    { socket: { port }, adminPort }: Doors,
    databaseUrl: string,
    { takesRequests }: WorkerSupervisor,
  ): Promise<void> {
    const { config, started, log } = this.#deps;
    const recordFile = path.join(config.dataDir, NODE_RECORD_FILE);
    await writeFile(recordFile, JSON.stringify({ pid: process.pid, port, adminPort, databaseUrl }), { mode: 0o600 });
    started.add({ name: 'record of the node', stop: () => rm(recordFile, { force: true }) });
    await sayStarted(config, { port, adminPort, devSecret, takesRequests }, log);
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
  for (const folder of [path.dirname(here), path.dirname(path.dirname(here))]) {
    const text = await readFile(path.join(folder, 'package.json'), 'utf8').catch(() => undefined);
    if (text !== undefined) return (JSON.parse(text) as { version: string }).version;
  }
  return 'unknown';
}
