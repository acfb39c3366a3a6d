/**
 * The composition root of a worker: builds its parts from the settings that the primary sent, starts them in order, and
 * stops them in the exact reverse.
 *
 *   pool, stores -> journal, projections, region -> socket transport -> shards taken -> (open) HTTP
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino, type Logger } from 'pino';
import type { Answer, Ask } from './actors/ask.ts';
import { Recoveries } from './actors/entity/recoveries.ts';
import { orderActor } from './actors/order/order-actor.ts';
import { paymentActor } from './actors/payment/payment-actor.ts';
import { SimulatedProvider } from './actors/payment/simulated-provider.ts';
import { reservationActor } from './actors/reservation/reservation-actor.ts';
import type { ShardDirectory } from './actors/sharding/peers.ts';
import { ShardKeeper } from './actors/sharding/shard-keeper.ts';
import { shardOf } from './actors/sharding/shard-of.ts';
import { ShardRegion } from './actors/sharding/shard-region.ts';
import { stockActor } from './actors/stock/stock-actor.ts';
import { stockEntity } from './domain/addresses.ts';
import { DEFAULT_WAREHOUSE } from './domain/stock/stock-item.ts';
import { createEdge, type Edge } from './http/edge.ts';
import { ownerRateLimiter, RATE_LIMIT_PREFIX } from './http/owner-rate-limiter.ts';
import { inProcessRateLimiter, type RateLimiter } from './http/rate-limiter.ts';
import { systemClock } from './kernel/clock.ts';
import { messageOf } from './kernel/errors.ts';
import { setFailpointFromText } from './kernel/failpoints.ts';
import { LocalSocketTransport } from './messaging/local-socket/local-socket-transport.ts';
import { Journal } from './persistence/journal.ts';
import { Projections } from './persistence/projections.ts';
import { openPool } from './persistence/postgres/connection.ts';
import { PostgresJournalStore } from './persistence/postgres/journal-store.ts';
import { PostgresProjectionStore } from './persistence/postgres/projection-store.ts';
import { WorkerHealth } from './supervisors/worker-health.ts';
import type { FromWorker, ToWorker, WorkerSettings } from './supervisors/worker-protocol.ts';

const READ_SESSIONS_MAX = 4;
/** Connections that wait to be accepted: thousands of clients may come in one moment. */
const LISTEN_BACKLOG = 8_192;
const SOCKETS_MAX = 20_000;
const HEADERS_TIMEOUT_MS = 15_000;
const REQUEST_TIMEOUT_MS = 60_000;
/** Longer than a client's or a balancer's usual 60 s, so that it is they who close. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
const RATE_WINDOW_SECONDS = 60;

const ENTITY_TYPES = { order: orderActor, payment: paymentActor, reservation: reservationActor, stock: stockActor };

/** Waits for the primary's settings, then is a worker until the primary says otherwise or dies. */
export function runWorker(): void {
  // The primary decides about signals; a terminal sends them to the whole group.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => undefined);
  process.on('disconnect', () => process.exit(1));
  let worker: RunningWorker | undefined;
  process.on('message', (message: ToWorker) => {
    if (message.kind === 'start') {
      startWorker(message.settings).then(
        (started) => {
          worker = started;
          tell({ kind: 'serving' });
        },
        (error: unknown) => tell({ kind: 'fatal', message: messageOf(error) }),
      );
    } else {
      void worker?.heard(message);
    }
  });
  tell({ kind: 'hello' });
}

function tell(message: FromWorker): void {
  if (process.connected) process.send!(message);
}

interface RunningWorker {
  heard(message: Exclude<ToWorker, { kind: 'start' }>): Promise<void>;
}

async function startWorker(settings: WorkerSettings): Promise<RunningWorker> {
  const { slot, config, databaseUrl, runtimeDir } = settings;
  const clock = systemClock;
  const log = pino({ level: config.logLevel, base: { worker: slot } });
  if (config.failpoint !== undefined) setFailpointFromText(config.failpoint);

  const purpose = `holdfast/w${slot}-${process.pid}`;
  const pool = openPool(databaseUrl, `${purpose}/reads`, READ_SESSIONS_MAX);
  const journalStore = new PostgresJournalStore(databaseUrl, purpose, pool);
  const projectionStore = new PostgresProjectionStore(databaseUrl, purpose, pool);

  // Which worker serves a shard follows from its number; ownership in the log is the epoch row's.
  const directory: ShardDirectory = { ownerOf: (shard) => shard % config.workers };
  const rateLimiter = inProcessRateLimiter({
    clock,
    limit: config.rateLimitPerMinute,
    windowSeconds: RATE_WINDOW_SECONDS,
  });
  const transport = new LocalSocketTransport(
    runtimeDir,
    slot,
    (ask, internal, reply, moved) => {
      if (ask.to.startsWith(RATE_LIMIT_PREFIX)) void countRequest(rateLimiter, ask).then(reply);
      else region.receive(ask, internal, reply, moved);
    },
    () => clock.monotonicMs(),
  );
  const region = new ShardRegion({
    slot,
    shards: config.shards,
    types: ENTITY_TYPES,
    clock,
    log,
    recoveries: new Recoveries(journalStore),
    provider: new SimulatedProvider(),
    directory,
    transport,
    saveSnapshots: (snapshots) => journalStore.saveSnapshots(snapshots),
  });
  const projections = new Projections(projectionStore, log, {
    wakesChanged: (wakes) => region.wakesChanged(wakes),
    shardLost: (shard) => keeper.lost(shard),
  });
  const journal = new Journal(journalStore, log, (shard) => keeper.lost(shard));
  region.connect(journal, projections);
  const keeper = new ShardKeeper(
    { journal: journalStore, projections: projectionStore, types: ENTITY_TYPES, clock, log, region, live: projections },
    () => journal,
  );

  await transport.listen();
  const shards = Array.from({ length: config.shards }, (_, shard) => shard).filter(
    (shard) => directory.ownerOf(shard) === slot,
  );
  await keeper.take(shards);

  const health = new WorkerHealth({
    clock,
    ping: () => pool.query('SELECT 1'),
    shardsMissing: () => keeper.takingCount,
  });
  const countAtOwner = (ask: Ask): Promise<Answer> => {
    const owner = directory.ownerOf(shardOf(ask.to, config.shards));
    if (owner === slot) return countRequest(rateLimiter, ask);
    return new Promise((resolve) => transport.ask(owner, ask, false, resolve));
  };
  const edge = createEdge({
    actors: region,
    views: projectionStore,
    clock,
    log,
    auth: { ...config.auth, ...(settings.devSecret !== undefined && { jwtSecret: settings.devSecret }) },
    idempotencyNamespace: settings.idempotencyNamespace,
    shards: config.shards,
    rateLimiter: config.rateLimitPerMinute > 0 ? ownerRateLimiter(RATE_WINDOW_SECONDS, countAtOwner) : undefined,
    reservationTtlMs: config.reservationTtlSeconds * 1_000,
    health,
    version: settings.version,
  });
  const server = httpServer(edge);

  const drain = async (timeoutMs: number): Promise<void> => {
    const deadline = clock.monotonicMs() + timeoutMs;
    health.drain();
    server.close();
    server.closeIdleConnections();
    while (edge.inFlight() > 0 && clock.monotonicMs() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      server.closeIdleConnections();
    }
    await region.drain(deadline);
    await journal.drain();
  };
  const exit = async (timeoutMs: number): Promise<void> => {
    server.closeAllConnections();
    region.stop();
    health.stop();
    await projections.close(() => clock.monotonicMs(), clock.monotonicMs() + timeoutMs);
    await keeper.stop();
    await transport.close();
    await Promise.all([journalStore.close(), projectionStore.close(), pool.end()]);
    log.flush();
    process.exit(0);
  };
  return {
    heard: async (message) => {
      switch (message.kind) {
        case 'open':
          return open(server, settings, log);
        case 'stock_demo':
          await stockDemo(region, message.productId, message.onHand);
          return tell({ kind: 'demo_stocked' });
        case 'drain':
          await drain(message.timeoutMs);
          return tell({ kind: 'drained' });
        case 'exit':
          return exit(message.timeoutMs);
      }
    },
  };
}

function httpServer(edge: Edge): Server {
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS }, edge.handler);
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.maxConnections = SOCKETS_MAX;
  return server;
}

/** A port that can't be had ends the node with a clear message: a restart would not help. */
function open(server: Server, { config }: WorkerSettings, log: Logger): void {
  const { port, host } = config;
  server.on('error', (error: NodeJS.ErrnoException) => {
    const taken = error.code === 'EADDRINUSE';
    const what = taken ? 'is taken by another process' : `can't be listened on (${error.code ?? error.message})`;
    log.error({ err: error }, 'the HTTP port');
    tell({ kind: 'fatal', message: `PORT ${port} on ${host} ${what}. Stop that process or set PORT.` });
  });
  server.listen({ port, host, backlog: LISTEN_BACKLOG }, () => {
    tell({ kind: 'ready', port: (server.address() as AddressInfo).port });
  });
}

async function countRequest(limiter: RateLimiter, ask: Ask): Promise<Answer> {
  const value = await limiter.take(ask.to.slice(RATE_LIMIT_PREFIX.length));
  return { kind: 'done', value, replayed: false, version: 0, origin: { shard: 0, seq: 0 } };
}

/** Under a command id of its own: once in the life of a database, whatever dies in between. */
async function stockDemo(region: ShardRegion, productId: string, onHand: number): Promise<void> {
  const command = { type: 'SetStock', warehouseId: DEFAULT_WAREHOUSE, onHand } as const;
  const fingerprint = String(onHand);
  await region.ask({
    to: stockEntity(productId),
    command,
    commandId: 'demo',
    fingerprint,
    until: 'durable',
    timeoutMs: 10_000,
  });
}
