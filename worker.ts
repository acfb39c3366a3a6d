/**
 * The composition root of a worker: builds its parts from the settings that the primary sent, starts them in order, and
 * stops them in the exact reverse.
 *
 *   pool, stores -> journal, projections, region -> sockets, broker -> member -> (begin) shards -> (open) HTTP
 */
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Answer, Ask } from './runtime/ask.ts';
import { KINDS, SHOP } from './actors/index.ts';
import { Recoveries } from './runtime/entity/recoveries.ts';
import { openPorts } from './runtime/outside-ports.ts';
import { Ownership } from './runtime/sharding/ownership.ts';
import { ShardKeeper } from './runtime/sharding/shard-keeper.ts';
import { shardOf } from './runtime/sharding/shard-of.ts';
import { ShardRegion } from './runtime/sharding/shard-region.ts';
import type { FirstCommand } from './runtime/first-command.ts';
import { DrainableHttp } from './http/drainable-http.ts';
import { createEdge } from './http/edge.ts';
import { LeavingAnswers } from './http/leaving-answers.ts';
import { ownerRateLimiter, RATE_LIMIT_PREFIX } from './http/owner-rate-limiter.ts';
import { inProcessRateLimiter, type RateLimiter } from './http/rate-limiter.ts';
import { systemClock, type Clock } from './kernel/clock.ts';
import { messageOf } from './kernel/errors.ts';
import { endsUnless, stopInOrder } from './kernel/stop-order.ts';
import { setFailpointFromText } from './kernel/failpoints.ts';
import { createLogger } from './kernel/logger.ts';
import { LocalSocketTransport, type Receive } from './messaging/local-socket/local-socket-transport.ts';
import { CommandConsumer } from './messaging/commands/command-consumer.ts';
import { PeerRouter } from './messaging/peer-router.ts';
import { answerPing, PeerWatch, UNREACHED_AFTER_MS } from './messaging/peer-watch.ts';
import { MessageOrigin } from './messaging/contracts/message-origin.ts';
import { EventPublisher } from './messaging/relay/event-publisher.ts';
import { EventRelay } from './messaging/relay/event-relay.ts';
import { Broker } from './messaging/rabbitmq/broker.ts';
import { PreparedBroker } from './messaging/rabbitmq/prepared-broker.ts';
import { RabbitMqTransport } from './messaging/rabbitmq/rabbitmq-transport.ts';
import { ordersTopology } from './messaging/rabbitmq/topology.ts';
import { Journal } from './persistence/journal.ts';
import { Projections } from './persistence/projections.ts';
import { openPool } from './persistence/postgres/connection.ts';
import { PostgresJournalStore } from './persistence/postgres/journal-store.ts';
import { PostgresOwnershipStore } from './persistence/postgres/ownership-store.ts';
import { PostgresProjectionStore } from './persistence/postgres/projection-store.ts';
import { PostgresQuarantineStore } from './persistence/postgres/quarantine-store.ts';
import { PostgresRelayStore } from './persistence/postgres/relay-store.ts';
import { LIST_SESSIONS_MAX, READ_SESSIONS_MAX } from './persistence/postgres/session-budget.ts';
import { EntityGuardian } from './supervisors/guardian.ts';
import { LISTENING_FDS, listenProblem } from './supervisors/listening-socket.ts';
import { QuarantineRecorder } from './supervisors/quarantine-recorder.ts';
import { Reporter } from './supervisors/reporter.ts';
import { WorkerHealth } from './supervisors/worker-health.ts';
import type { FromWorker, ToWorker, WorkerSettings } from './supervisors/worker-protocol.ts';

const RATE_WINDOW_SECONDS = 60;
/** A draining worker's clients have so long to send another request and hear that their connection ends. */
const KEEP_ALIVE_GRACE_MS = 1_000;

/** A worker that stops waits no longer for a database that answers no ping: a restart of one takes less. */
const DATABASE_AWAY_MS = 3_000;
/** To leave without it: nothing that is left to do can be done. */
const EXIT_WITHOUT_DATABASE_MS = 2_000;

/** No caller waits for an event; events that leave together spare us and the broker most of the work. */
const EVENTS_GATHER_MS = 50;
/** A start waits so long for a broker, and goes on without: it is needed for messages, not for orders. */
const BROKER_WAIT_MS = 2_000;
/** A worker that has not reached the others by then starts without shards. */
const ADMISSION_WAIT_MS = UNREACHED_AFTER_MS + 1_000;

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
          tell({ kind: 'joined' });
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
  // Where the primary has died the channel closes, and that ends this process.
  if (process.connected) process.send!(message, undefined, undefined, () => undefined);
}

interface RunningWorker {
  heard(message: Exclude<ToWorker, { kind: 'start' }>): Promise<void>;
}

async function startWorker(settings: WorkerSettings): Promise<RunningWorker> {
  const { slot, workerId, nodeId, config, databaseUrl, runtimeDir, version } = settings;
  const clock = systemClock;
  const log = createLogger({ level: config.logLevel, base: { process: workerId, pid: process.pid } });
  if (config.failpoint !== undefined) setFailpointFromText(config.failpoint);

  const purpose = `holdfast/${workerId}`;
  const pool = openPool(databaseUrl, `${purpose}/reads`, READ_SESSIONS_MAX);
  const listPool = openPool(databaseUrl, `${purpose}/lists`, LIST_SESSIONS_MAX);
  const journalStore = new PostgresJournalStore(databaseUrl, purpose, pool);
  const projectionStore = new PostgresProjectionStore(databaseUrl, purpose, pool, listPool);
  const ownershipStore = new PostgresOwnershipStore(databaseUrl, purpose);
  const stores = [journalStore, projectionStore, ownershipStore];
  const quarantineStore = new PostgresQuarantineStore(pool);

  const broker =
    config.amqpUrl === undefined ? undefined : new Broker({ url: config.amqpUrl, name: purpose, clock, log });
  const eventsBroker =
    config.amqpUrl === undefined
      ? undefined
      : new Broker({ url: config.amqpUrl, name: `${purpose}/events`, clock, log });
  const socketPath = join(runtimeDir, `${workerId}.sock`);
  const hasBroker = broker !== undefined;
  const me = { workerId, nodeId, slot, host: config.machineName, socketPath, pid: process.pid, version, hasBroker };
  const ownership: Ownership = new Ownership({
    store: ownershipStore,
    clock,
    log,
    me,
    shards: config.shards,
    server: () => keeper,
    reach: {
      watch: (members) => peers.watch(members),
      reaches: (worker) => peers.reaches(worker),
      get unreached() {
        return peers.unreached;
      },
      get hearsBroker() {
        return peers.hearsBroker;
      },
    },
    changed: () => {
      const isMember = (worker: string): boolean => ownership.members.has(worker);
      sockets.keepOnly(isMember);
      brokerTransport?.keepOnly(isMember);
      region.ownersChanged();
    },
  });
  const rateLimiter = inProcessRateLimiter({
    clock,
    limit: config.rateLimitPerMinute,
    windowSeconds: RATE_WINDOW_SECONDS,
  });
  const receive: Receive = (ask, internal, reply) => {
    if (ask.to.startsWith(RATE_LIMIT_PREFIX)) void countRequest(rateLimiter, ask).then(reply);
    else if (!answerPing(ask, reply)) region.receive(ask, internal, reply);
  };
  const pathOf = (worker: string): string | undefined => ownership.members.get(worker)?.socketPath;
  const sockets = new LocalSocketTransport({ path: socketPath, pathOf, receive, clock });
  const brokerTransport = broker && new RabbitMqTransport({ broker, workerId, receive, log, clock });
  const peers = new PeerWatch({
    me,
    sockets,
    ...(brokerTransport && { broker: brokerTransport }),
    clock,
    log,
    changed: () => ownership.refresh(),
  });
  broker?.onChange(() => peers.look());
  const transport = new PeerRouter(peers);
  const prepared =
    eventsBroker &&
    new PreparedBroker(eventsBroker, { topology: ordersTopology({ deploymentId: settings.deploymentId }), clock, log });
  const events = eventsBroker && new EventPublisher(eventsBroker.connection, { clock });
  const relay =
    prepared &&
    events &&
    new EventRelay({
      kinds: KINDS,
      journal: journalStore,
      store: new PostgresRelayStore(pool),
      origin: new MessageOrigin({ deploymentId: settings.deploymentId, publicUrl: config.publicUrl }),
      publish: (message, confirm) => events.publish(message, confirm),
      publishUnrouted: (message, confirm) => events.publishUnrouted(message, confirm),
      brokerIsUp: () => prepared.isReady,
      onMissing: () => prepared.mend(),
      gather: (portion) => void clock.after(EVENTS_GATHER_MS, portion),
      clock,
      log,
    });
  prepared?.onReady(() => relay?.resume());
  const guardian = new EntityGuardian(clock, log);
  const quarantine = new QuarantineRecorder(quarantineStore, log);
  const region: ShardRegion = new ShardRegion({
    workerId,
    shards: config.shards,
    kinds: KINDS,
    clock,
    log,
    recoveries: new Recoveries(journalStore, clock),
    outside: openPorts(KINDS, config.declared, clock),
    directory: ownership,
    transport,
    guardian,
    quarantine,
    escalate: (reason) => giveUp(log, reason),
    leaseValid: () => ownership.valid,
    saveSnapshots: (snapshots) => journalStore.saveSnapshots(snapshots),
    ...(relay && { follower: relay }),
  });
  const projections = new Projections(projectionStore, clock, log, {
    wakesChanged: (wakes) => region.wakesChanged(wakes),
    shardLost: (shard) => keeper.failed(shard),
    setApart: (unwritable) => quarantine.setApart(unwritable),
    written: (entityId) => quarantine.remove(entityId),
  });
  const journal = new Journal(journalStore, { clock, log, shardLost: (shard) => keeper.failed(shard) });
  region.connect(journal, projections);
  const keeper: ShardKeeper = new ShardKeeper(
    {
      journal: journalStore,
      projections: projectionStore,
      kinds: KINDS,
      clock,
      log,
      region,
      live: projections,
      confirm: () => ownership.confirm(),
      suspects: (shards) => quarantineStore.ofShards(shards),
      setApart: (unwritable) => quarantine.setApart(unwritable),
      ...(relay && { follower: relay }),
    },
    () => journal,
  );
  ownershipStore.onRetry((entityId) => region.retryQuarantined(entityId));

  await sockets.listen();
  await brokerTransport?.listen(BROKER_WAIT_MS);
  await ownership.join();
  await admission(ownership, peers, clock, log);

  const health = new WorkerHealth({
    clock,
    ping: () => pool.query('SELECT 1'),
    shards: config.shards,
    shardsUnserved: () => ownership.unowned + keeper.takingCount,
    peers: () => ({ isCutOff: ownership.isCutOff, unreached: peers.describe() }),
    answers: () => edge.answers,
    leaseValid: () => ownership.valid,
    clockSkewMs: () => ownership.clockSkewMs,
    journalStalledMs: () => journal.stalledMs,
    projectionsLagMs: () => projections.lagMs,
    failing: () => failures.flatMap(({ what }) => what ?? []),
    ...(eventsBroker &&
      relay && {
        broker: {
          state: () => eventsBroker.state,
          lag: () => relay.figures,
          refusal: () => prepared.refusal,
          trouble: () => prepared.trouble ?? commands?.trouble ?? relay.trouble,
        },
      }),
  });
  /** Where the counter has no owner it is counted here, too generously for a moment. */
  const countAtOwner = (ask: Ask): Promise<Answer> => {
    const owner = ownership.ownerOf(shardOf(ask.to, config.shards));
    if (owner === undefined || owner === workerId) return countRequest(rateLimiter, ask);
    return new Promise((resolve) => {
      transport.ask(owner, ask, false, (answer) => {
        if (answer.kind === 'elsewhere') void countRequest(rateLimiter, ask).then(resolve);
        else resolve(answer);
      });
    });
  };
  const leaving = new LeavingAnswers(clock);
  const edge = createEdge(SHOP, {
    actors: region,
    views: projectionStore,
    histories: journalStore,
    claims: SHOP.claims,
    clock,
    log,
    leaving,
    auth: { ...config.auth, ...(settings.devSecret !== undefined && { jwtSecret: settings.devSecret }) },
    idempotencyNamespace: settings.idempotencyNamespace,
    shards: config.shards,
    rateLimiter: config.rateLimitPerMinute > 0 ? ownerRateLimiter(RATE_WINDOW_SECONDS, countAtOwner) : undefined,
    settings: config.declared,
    health,
    version,
  });
  const http = new DrainableHttp(edge.handler, leaving, clock, log);
  const commands =
    broker &&
    new CommandConsumer({
      ...{ connection: broker.connection, commands: edge.commands, clock, log },
      onMissing: () => prepared?.mend(),
    });

  const retrying = [projections, keeper, ownership, region, relay, broker, eventsBroker, prepared];
  const failures = [...retrying, brokerTransport, commands].flatMap((part) => part?.failures ?? []);
  const reported = {
    region,
    journal,
    projections,
    keeper,
    ownership,
    guardian,
    health,
    edge,
    failures,
    ...(relay && { relay }),
  };
  const reporter = new Reporter(reported, clock, (report) => tell({ kind: 'report', report }));
  reporter.start();

  /** Resolves when every shard has an owner, and those of this worker are served. */
  const begin = async (): Promise<void> => {
    ownership.begin();
    while (!ownership.complete || keeper.takingCount > 0) await clock.sleep(5);
    tell({ kind: 'serving' });
    prepared?.onReady(() => commands?.start());
    // A consumer finds its way back by itself, and would take the other deployment's commands.
    prepared?.onRefused((refusal) => {
      if (commands?.isStarted) giveUp(log, refusal);
    });
  };
  /** A port that can't be had ends the node with a clear message: a restart would not help. */
  const open = async (): Promise<void> => {
    try {
      await http.listen(LISTENING_FDS);
      reporter.sendNow(); // the node says at once whether it is ready for requests
      tell({ kind: 'ready' });
    } catch (error) {
      log.error({ err: error }, 'the HTTP port could not be opened');
      const { code, message } = error as NodeJS.ErrnoException;
      tell({ kind: 'fatal', message: listenProblem('PORT', config.port, config.host, code ?? message) });
    }
  };
  /** What waits for it does not end: its shards' next owners take it up. */
  const databaseIsAway = (): boolean => {
    const { status, since } = health.checks()['database']!;
    return status === 'down' && clock.nowMs() - Date.parse(since!) > DATABASE_AWAY_MS;
  };
  const drain = async (timeoutMs: number): Promise<void> => {
    const deadline = clock.monotonicMs() + timeoutMs;
    ownership.drain();
    const graceEnd = Math.min(deadline, clock.monotonicMs() + KEEP_ALIVE_GRACE_MS);
    const answered = Promise.all([http.drain(() => edge.inFlight(), graceEnd, deadline), commands?.drain(timeoutMs)]);
    const limits = { clock, deadline };
    await endsUnless(answered, databaseIsAway, limits);
    // Shards go to workers that may take them; the others are finished here.
    while (ownership.othersTake && ownership.held.size > 0 && !databaseIsAway() && clock.monotonicMs() < deadline)
      await clock.sleep(10);
    await endsUnless(region.drain(deadline), databaseIsAway, limits);
    await endsUnless(journal.drain(), databaseIsAway, limits);
  };
  const exit = async (timeoutMs: number): Promise<void> => {
    const deadline =
      clock.monotonicMs() + (databaseIsAway() ? Math.min(timeoutMs, EXIT_WITHOUT_DATABASE_MS) : timeoutMs);
    ownership.cease();
    http.server.closeAllConnections();
    leaving.stop();
    region.stop();
    health.stop();
    reporter.stop();
    const steps = [
      { name: 'read models', stop: () => projections.close(deadline) },
      { name: 'relay', stop: () => relay?.close() },
      { name: 'events', stop: () => events?.close() },
      { name: 'ownership', stop: () => ownership.stop() },
      { name: 'shards', stop: () => keeper.stop() },
      { name: 'peers', stop: () => peers.stop() },
      { name: 'membership', stop: () => ownershipStore.leave(workerId) },
      { name: 'sockets', stop: () => sockets.close() },
      { name: 'peers by broker', stop: () => brokerTransport?.close() },
      { name: 'broker', stop: () => Promise.all([broker?.close(), eventsBroker?.close()]) },
      {
        name: 'database',
        stop: () => Promise.all([...stores.map((store) => store.close()), pool.end(), listPool.end()]),
      },
    ];
    await stopInOrder(steps, { log, clock, deadline });
    log.flush();
    process.exit(0);
  };
  return {
    heard: async (message) => {
      switch (message.kind) {
        case 'begin':
          return begin();
        case 'open':
          return open();
        case 'apply_first':
          for (const command of SHOP.firstCommands) await applyFirst(region, command);
          return tell({ kind: 'first_applied' });
        case 'retire':
          return health.retire();
        case 'drain':
          await drain(message.timeoutMs);
          return tell({ kind: 'drained' });
        case 'exit':
          return exit(message.timeoutMs);
      }
    },
  };
}

/** Resolves when the worker has reached those who serve, or it is clear that it does not: then it owns nothing for now. */
async function admission(ownership: Ownership, peers: PeerWatch, clock: Clock, log: Logger): Promise<void> {
  const deadline = clock.monotonicMs() + ADMISSION_WAIT_MS;
  while (!ownership.admitted && clock.monotonicMs() < deadline) await clock.sleep(5);
  if (ownership.admitted) return;
  log.error(
    { unreached: peers.describe() },
    'this worker does not reach the workers that serve, and takes no shards until it does; ' +
      'check that AMQP_URL of all nodes names the same broker and virtual host, and that the broker is up',
  );
}

/** Its supervisor starts another in its place. */
function giveUp(log: Logger, reason: string): void {
  log.fatal({ reason }, 'the worker gives up');
  log.flush();
  process.exit(70);
}

async function countRequest(limiter: RateLimiter, ask: Ask): Promise<Answer> {
  const value = await limiter.take(ask.to.slice(RATE_LIMIT_PREFIX.length));
  return { kind: 'done', value, replayed: false, version: 0, origin: { shard: 0, seq: 0 } };
}

async function applyFirst(region: ShardRegion, command: FirstCommand): Promise<void> {
  await region.ask({ ...command, by: { channel: 'command-line' }, until: 'durable', timeoutMs: 10_000 });
}
