/** A worker among the others: its membership and shards, the ways to its peers, and what it hears from them. */
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Clock } from '../kernel/clock.ts';
import { LocalSocketTransport, type Receive } from '../messaging/local-socket/local-socket-transport.ts';
import { PeerRouter } from '../messaging/peer-router.ts';
import { answerPing, PeerWatch, UNREACHED_AFTER_MS } from '../messaging/peer-watch.ts';
import type { Broker } from '../messaging/rabbitmq/broker.ts';
import { RabbitMqTransport } from '../messaging/rabbitmq/rabbitmq-transport.ts';
import { Ownership, type ShardServer } from '../runtime/sharding/ownership.ts';
import type { WorkerSettings } from '../supervisors/worker-protocol.ts';
import type { WorkerStores } from './stores.ts';

/** A start waits this long for a broker, and goes on without: messages need it, orders do not. */
const BROKER_WAIT_MS = 2_000;
/** A worker that has not reached the others by then starts without shards. */
const ADMISSION_WAIT_MS = UNREACHED_AFTER_MS + 1_000;

/** What the others reach here. */
export interface Reachable {
  readonly server: ShardServer;
  readonly receive: Receive;
  ownersChanged(): void;
}

export interface WorkerPeersDeps {
  readonly settings: WorkerSettings;
  readonly stores: WorkerStores;
  readonly broker: Broker | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

export class WorkerPeers {
  readonly ownership: Ownership;
  readonly watch: PeerWatch;
  readonly router: PeerRouter;
  readonly byBroker: RabbitMqTransport | undefined;
  readonly #sockets: LocalSocketTransport;
  readonly #clock: Clock;
  readonly #log: Logger;
  #here: Reachable | undefined;

  constructor({ settings, stores, broker, clock, log }: WorkerPeersDeps) {
    this.#clock = clock;
    this.#log = log;
    const { slot, workerId, nodeId, config, runtimeDir, version } = settings;
    const socketPath = join(runtimeDir, `${workerId}.sock`);
    const hasBroker = broker !== undefined;
    const me = { workerId, nodeId, slot, host: config.machineName, socketPath, pid: process.pid, version, hasBroker };
    const receive: Receive = (ask, internal, reply) => {
      if (!answerPing(ask, reply)) this.#here!.receive(ask, internal, reply);
    };
    const pathOf = (worker: string): string | undefined => this.ownership.members.get(worker)?.socketPath;
    this.#sockets = new LocalSocketTransport({ path: socketPath, pathOf, receive, clock });
    this.byBroker = broker && new RabbitMqTransport({ broker, workerId, receive, log, clock });
    this.watch = new PeerWatch({
      me,
      sockets: this.#sockets,
      ...(this.byBroker && { broker: this.byBroker }),
      clock,
      log,
      changed: () => this.ownership.refresh(),
    });
    broker?.onChange(() => this.watch.look());
    this.router = new PeerRouter(this.watch);
    this.ownership = new Ownership({
      store: stores.ownership,
      clock,
      log,
      me,
      shards: config.shards,
      server: () => this.#here!.server,
      reach: this.watch,
      changed: () => this.#ownersChanged(),
    });
  }

  /** Becomes a member that owns nothing yet. @param here what the others reach from now on. @throws what the store throws. */
  async join(here: Reachable): Promise<void> {
    this.#here = here;
    await this.#sockets.listen();
    await this.byBroker?.listen(BROKER_WAIT_MS);
    await this.ownership.join();
    await this.#admission();
  }

  async close(): Promise<void> {
    await this.#sockets.close();
  }

  /** Resolves when it has reached those who serve, or it is clear that it does not: then it owns nothing for now. */
  async #admission(): Promise<void> {
    const deadline = this.#clock.monotonicMs() + ADMISSION_WAIT_MS;
    while (!this.ownership.admitted && this.#clock.monotonicMs() < deadline) await this.#clock.sleep(5);
    if (this.ownership.admitted) return;
    this.#log.error(
      { unreached: this.watch.describe() },
      'this worker does not reach the workers that serve, and takes no shards until it does; ' +
        'check that AMQP_URL of all nodes names the same broker and virtual host, and that the broker is up',
    );
  }

  #ownersChanged(): void {
    const isMember = (worker: string): boolean => this.ownership.members.has(worker);
    this.#sockets.keepOnly(isMember);
    this.byBroker?.keepOnly(isMember);
    this.#here!.ownersChanged();
  }
}
