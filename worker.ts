/**
 * The composition root of a worker: builds its parts from the settings that the primary sent, starts them in order, and
 * stops them in the exact reverse. worker/ holds the parts.
 *
 *   stores, RabbitMQ -> peers, journal, projections, region -> member -> (begin) shards -> (open) HTTP
 */
import type { Logger } from 'pino';
import type { ComposedActors } from './actors/compose-actors.ts';
import { systemClock, type Clock } from './kernel/clock.ts';
import { messageOf } from './kernel/errors.ts';
import { setFailpointFromText } from './kernel/failpoints.ts';
import { createLogger } from './kernel/logger.ts';
import { endsUnless, stopInOrder } from './kernel/stop-order.ts';
import type { FirstCommand } from './runtime/first-command.ts';
import { openPorts } from './runtime/outside-ports.ts';
import { ServedShards } from './runtime/sharding/served-shards.ts';
import type { ShardRegion } from './runtime/sharding/shard-region.ts';
import { EntityGuardian } from './supervisors/guardian.ts';
import { LISTENING_FDS, listenProblem } from './supervisors/listening-socket.ts';
import { QuarantineRecorder } from './supervisors/quarantine-recorder.ts';
import type { FromWorker, ToWorker, WorkerSettings } from './supervisors/worker-protocol.ts';
import type { WorkerReport } from './supervisors/worker-report.ts';
import { WorkerFront } from './worker/front.ts';
import { WorkerMessages, type MessagesDeps } from './worker/messages.ts';
import { WorkerPeers } from './worker/peers.ts';
import { RequestCounter } from './worker/request-counter.ts';
import { WorkerStores } from './worker/stores.ts';

/** The clients of a draining worker have this long to send another request and hear that their connection ends. */
const KEEP_ALIVE_GRACE_MS = 1_000;
/** A worker that stops waits no longer than this for a database that answers no ping: a restart of one takes less. */
const DATABASE_AWAY_MS = 3_000;
/** An exit without the database takes no longer: what is left to do can't be done. */
const EXIT_WITHOUT_DATABASE_MS = 2_000;

/** Waits for the primary's settings, then is a worker until the primary says otherwise or dies. */
export function runWorker(actors: ComposedActors): void {
  // The primary decides about signals; a terminal sends them to the whole group.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => undefined);
  process.on('disconnect', () => process.exit(1));
  let worker: RunningWorker | undefined;
  process.on('message', (message: ToWorker) => {
    if (message.kind === 'start') {
      startWorker(message.settings, actors).then(
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

async function startWorker(settings: WorkerSettings, actors: ComposedActors): Promise<RunningWorker> {
  const { workerId, config } = settings;
  const log = createLogger({ level: config.logLevel, base: { process: workerId, pid: process.pid } });
  if (config.failpoint !== undefined) setFailpointFromText(config.failpoint);
  const clock = systemClock;
  const stores = new WorkerStores(settings.databaseUrl, `holdfast/${workerId}`, actors.views);
  const messages = openMessages(settings, { actors, stores, clock, log });
  const peers = new WorkerPeers({ settings, stores, broker: messages?.broker, clock, log });
  const guardian = new EntityGuardian(clock, log);
  const shards = serveShards(settings, { actors, stores, messages, peers, guardian, clock, log });
  const requests = new RequestCounter({
    workerId,
    shards: config.shards,
    limitPerMinute: config.rateLimitPerMinute,
    directory: peers.ownership,
    transport: peers.router,
    clock,
  });
  stores.ownership.onRetry((entityId) => shards.region.retryQuarantined(entityId));
  await peers.join({
    server: shards.keeper,
    receive: (ask, internal, reply) => {
      if (!requests.answer(ask, reply)) shards.region.receive(ask, internal, reply);
    },
    ownersChanged: () => shards.region.ownersChanged(),
  });
  const report = (report: WorkerReport): void => tell({ kind: 'report', report });
  const parts = { actors, settings, stores, messages, peers, guardian, shards, requests, clock, log, report };
  const front = new WorkerFront(parts);
  front.reporter.start();
  return new RunningWorker({ ...parts, front });
}

function openMessages(
  { workerId, config, deploymentId }: WorkerSettings,
  parts: Pick<MessagesDeps, 'actors' | 'stores' | 'clock' | 'log'>,
): WorkerMessages | undefined {
  const { amqpUrl: url, publicUrl } = config;
  if (url === undefined) return undefined;
  return new WorkerMessages({ url, purpose: `holdfast/${workerId}`, deploymentId, publicUrl, ...parts });
}

interface ShardParts {
  readonly actors: ComposedActors;
  readonly stores: WorkerStores;
  readonly messages: WorkerMessages | undefined;
  readonly peers: WorkerPeers;
  readonly guardian: EntityGuardian;
  readonly clock: Clock;
  readonly log: Logger;
}

function serveShards({ workerId, config }: WorkerSettings, parts: ShardParts): ServedShards {
  const { actors, stores, messages, peers, guardian, clock, log } = parts;
  return new ServedShards({
    workerId,
    shards: config.shards,
    kinds: actors.kinds,
    journal: stores.journal,
    projections: stores.projections,
    outside: openPorts(actors.kinds, config.declared, clock),
    directory: peers.ownership,
    transport: peers.router,
    guardian,
    quarantine: new QuarantineRecorder(stores.quarantine, log),
    suspects: (shards) => stores.quarantine.ofShards(shards),
    confirm: () => peers.ownership.confirm(),
    escalate: (reason) => giveUp(log, reason),
    leaseValid: () => peers.ownership.valid,
    clock,
    log,
    ...(messages && { follower: messages.relay }),
  });
}

interface WorkerParts extends ShardParts {
  readonly settings: WorkerSettings;
  readonly shards: ServedShards;
  readonly front: WorkerFront;
}

class RunningWorker {
  readonly #parts: WorkerParts;

  constructor(parts: WorkerParts) {
    this.#parts = parts;
  }

  async heard(message: Exclude<ToWorker, { kind: 'start' }>): Promise<void> {
    const { actors, shards, front } = this.#parts;
    switch (message.kind) {
      case 'begin':
        return this.#begin();
      case 'open':
        return this.#open();
      case 'apply_first':
        for (const command of actors.firstCommands) await applyFirst(shards.region, command);
        return tell({ kind: 'first_applied' });
      case 'retire':
        return front.health.retire();
      case 'drain':
        await this.#drain(message.timeoutMs);
        return tell({ kind: 'drained' });
      case 'exit':
        return this.#exit(message.timeoutMs);
    }
  }

  /** Resolves when every shard has an owner, and those of this worker are served. */
  async #begin(): Promise<void> {
    const { peers, shards, front, messages, clock, log } = this.#parts;
    const { ownership } = peers;
    ownership.begin();
    while (!ownership.complete || shards.keeper.takingCount > 0) await clock.sleep(5);
    tell({ kind: 'serving' });
    messages?.prepared.onReady(() => front.commands?.start());
    // A consumer finds its way back by itself, and would take the other deployment's commands.
    messages?.prepared.onRefused((refusal) => {
      if (front.commands?.isStarted) giveUp(log, refusal);
    });
  }

  /** A port that can't be had ends the node with a clear message: a restart would not help. */
  async #open(): Promise<void> {
    const { settings, front, log } = this.#parts;
    const { port, host } = settings.config;
    try {
      await front.http.listen(LISTENING_FDS);
      front.reporter.sendNow(); // the node says at once whether it is ready for requests
      tell({ kind: 'ready' });
    } catch (error) {
      log.error({ err: error }, 'the HTTP port could not be opened');
      const { code, message } = error as NodeJS.ErrnoException;
      tell({ kind: 'fatal', message: listenProblem('PORT', port, host, code ?? message) });
    }
  }

  async #drain(timeoutMs: number): Promise<void> {
    const { peers, shards, front, clock } = this.#parts;
    const { ownership } = peers;
    const deadline = clock.monotonicMs() + timeoutMs;
    ownership.drain();
    const limits = { clock, deadline };
    const isAway = (): boolean => this.#databaseIsAway();
    const graceEnd = Math.min(deadline, clock.monotonicMs() + KEEP_ALIVE_GRACE_MS);
    await endsUnless(front.drain(graceEnd, deadline, timeoutMs), isAway, limits);
    // Other workers take the shards; those that no one takes are finished here.
    while (ownership.othersTake && ownership.held.size > 0 && !isAway() && clock.monotonicMs() < deadline)
      await clock.sleep(10);
    await endsUnless(shards.region.drain(deadline), isAway, limits);
    await endsUnless(shards.journal.drain(), isAway, limits);
  }

  async #exit(timeoutMs: number): Promise<void> {
    const { settings, stores, messages, peers, shards, front, clock, log } = this.#parts;
    const withinMs = this.#databaseIsAway() ? Math.min(timeoutMs, EXIT_WITHOUT_DATABASE_MS) : timeoutMs;
    const deadline = clock.monotonicMs() + withinMs;
    peers.ownership.cease();
    shards.region.stop();
    front.stop();
    const steps = [
      { name: 'read models', stop: () => shards.projections.close(deadline) },
      { name: 'relay', stop: () => messages?.relay.close() },
      { name: 'events', stop: () => messages?.closeEvents() },
      { name: 'ownership', stop: () => peers.ownership.stop() },
      { name: 'shards', stop: () => shards.keeper.stop() },
      { name: 'peers', stop: () => peers.watch.stop() },
      { name: 'membership', stop: () => stores.ownership.leave(settings.workerId) },
      { name: 'sockets', stop: () => peers.close() },
      { name: 'peers by broker', stop: () => peers.byBroker?.close() },
      { name: 'broker', stop: () => messages?.close() },
      { name: 'database', stop: () => stores.close() },
    ];
    await stopInOrder(steps, { log, clock, deadline });
    log.flush();
    process.exit(0);
  }

  /** Work that waits for the database does not end here: the next owners of its shards take it up. */
  #databaseIsAway(): boolean {
    const { front, clock } = this.#parts;
    const { status, since } = front.health.checks()['database']!;
    return status === 'down' && clock.nowMs() - Date.parse(since!) > DATABASE_AWAY_MS;
  }
}

/** Its supervisor starts another in its place. */
function giveUp(log: Logger, reason: string): void {
  log.fatal({ reason }, 'the worker gives up');
  log.flush();
  process.exit(70);
}

async function applyFirst(region: ShardRegion, command: FirstCommand): Promise<void> {
  await region.ask({ ...command, by: { channel: 'command-line' }, until: 'durable', timeoutMs: 10_000 });
}
