/** Where a worker's requests come in: HTTP, commands by RabbitMQ, and what it says of its health to the primary. */
import type { Logger } from 'pino';
import type { ComposedActors } from '../actors/compose-actors.ts';
import { DrainableHttp } from '../http/drainable-http.ts';
import { createEdge, type Edge } from '../http/edge.ts';
import { LeavingAnswers } from '../http/leaving-answers.ts';
import { ownerRateLimiter } from '../http/owner-rate-limiter.ts';
import type { Clock } from '../kernel/clock.ts';
import type { LastingFailure } from '../kernel/lasting-failure.ts';
import { CommandConsumer } from '../messaging/commands/command-consumer.ts';
import type { ServedShards } from '../runtime/sharding/served-shards.ts';
import type { EntityGuardian } from '../supervisors/guardian.ts';
import { Reporter } from '../supervisors/reporter.ts';
import { WorkerHealth } from '../supervisors/worker-health.ts';
import type { WorkerSettings } from '../supervisors/worker-protocol.ts';
import type { WorkerReport } from '../supervisors/worker-report.ts';
import type { WorkerMessages } from './messages.ts';
import type { WorkerPeers } from './peers.ts';
import { RATE_WINDOW_SECONDS, type RequestCounter } from './request-counter.ts';
import type { WorkerStores } from './stores.ts';

export interface WorkerFrontDeps {
  readonly actors: ComposedActors;
  readonly settings: WorkerSettings;
  readonly stores: WorkerStores;
  /** Absent: AMQP_URL is not set. */
  readonly messages: WorkerMessages | undefined;
  readonly peers: WorkerPeers;
  readonly shards: ServedShards;
  readonly guardian: EntityGuardian;
  readonly requests: RequestCounter;
  readonly clock: Clock;
  readonly log: Logger;
  readonly report: (report: WorkerReport) => void;
}

export class WorkerFront {
  readonly health: WorkerHealth;
  readonly http: DrainableHttp;
  readonly commands: CommandConsumer | undefined;
  readonly reporter: Reporter;
  readonly #edge: Edge;
  readonly #leaving: LeavingAnswers;
  /** Of all parts of the worker. */
  readonly #failures: readonly LastingFailure[];

  constructor(deps: WorkerFrontDeps) {
    const { messages, peers, shards, guardian, clock, log } = deps;
    this.#leaving = new LeavingAnswers(clock);
    this.health = this.#healthOf(deps);
    this.#edge = this.#edgeOf(deps);
    this.http = new DrainableHttp(this.#edge.handler, this.#leaving, clock, log);
    this.commands =
      messages &&
      new CommandConsumer({
        ...{ connection: messages.broker.connection, commands: this.#edge.commands, clock, log },
        onMissing: () => messages.prepared.mend(),
      });
    const { region, journal, projections, keeper } = shards;
    const { ownership, byBroker } = peers;
    const retrying = [projections, keeper, ownership, region, ...(messages?.parts ?? []), byBroker, this.commands];
    this.#failures = retrying.flatMap((part) => part?.failures ?? []);
    this.reporter = new Reporter(
      {
        ...{ region, journal, projections, keeper, ownership, guardian },
        ...{ health: this.health, edge: this.#edge, failures: this.#failures },
        ...(messages && { relay: messages.relay }),
      },
      clock,
      deps.report,
    );
  }

  /** Takes no new requests; resolves when those under way are answered, or at `deadline` (monotonic ms). */
  async drain(graceEnd: number, deadline: number, timeoutMs: number): Promise<void> {
    const http = this.http.drain(() => this.#edge.inFlight(), graceEnd, deadline);
    await Promise.all([http, this.commands?.drain(timeoutMs)]);
  }

  stop(): void {
    this.http.server.closeAllConnections();
    this.#leaving.stop();
    this.health.stop();
    this.reporter.stop();
  }

  #healthOf({ settings, stores, messages, peers, shards, clock }: WorkerFrontDeps): WorkerHealth {
    const { ownership, watch } = peers;
    return new WorkerHealth({
      clock,
      ping: () => stores.ping(),
      shards: settings.config.shards,
      shardsUnserved: () => ownership.unowned + shards.keeper.takingCount,
      peers: () => ({ isCutOff: ownership.isCutOff, unreached: watch.describe() }),
      answers: () => this.#edge.answers,
      leaseValid: () => ownership.valid,
      clockSkewMs: () => ownership.clockSkewMs,
      journalStalledMs: () => shards.journal.stalledMs,
      projectionsLagMs: () => shards.projections.lagMs,
      failing: () => this.#failures.flatMap(({ what }) => what ?? []),
      ...(messages && {
        broker: {
          state: () => messages.eventsState,
          lag: () => messages.relay.figures,
          refusal: () => messages.prepared.refusal,
          trouble: () => messages.prepared.trouble ?? this.commands?.trouble ?? messages.relay.trouble,
        },
      }),
    });
  }

  #edgeOf({ actors, settings, stores, shards, requests, clock, log }: WorkerFrontDeps): Edge {
    const { config, devSecret, idempotencyNamespace, version } = settings;
    const countAtOwner = ownerRateLimiter(RATE_WINDOW_SECONDS, (ask) => requests.countAtOwner(ask));
    return createEdge(actors, {
      actors: shards.region,
      views: stores.projections,
      histories: stores.journal,
      claims: actors.claims,
      clock,
      log,
      leaving: this.#leaving,
      auth: { ...config.auth, ...(devSecret !== undefined && { jwtSecret: devSecret }) },
      idempotencyNamespace,
      shards: config.shards,
      rateLimiter: config.rateLimitPerMinute > 0 ? countAtOwner : undefined,
      settings: config.declared,
      health: this.health,
      version,
    });
  }
}
