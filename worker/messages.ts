/** What a worker has of RabbitMQ, where AMQP_URL is set: its connections, and the way of events to the broker. */
import type { Logger } from 'pino';
import type { ComposedActors } from '../actors/compose-actors.ts';
import type { Clock } from '../kernel/clock.ts';
import { MessageOrigin } from '../messaging/contracts/message-origin.ts';
import { PublicMessages } from '../messaging/contracts/public-message.ts';
import { Broker } from '../messaging/rabbitmq/broker.ts';
import { PreparedBroker } from '../messaging/rabbitmq/prepared-broker.ts';
import { ordersTopology } from '../messaging/rabbitmq/topology.ts';
import { EventPublisher } from '../messaging/relay/event-publisher.ts';
import { EventRelay } from '../messaging/relay/event-relay.ts';
import type { WorkerStores } from './stores.ts';

/** An event may wait a little, unlike an answer: a portion costs us and the broker much less than its events alone. */
const EVENTS_GATHER_MS = 50;

export interface MessagesDeps {
  readonly url: string;
  /** Names the connections at the broker. */
  readonly purpose: string;
  readonly deploymentId: string;
  readonly publicUrl: string | undefined;
  readonly actors: ComposedActors;
  readonly stores: WorkerStores;
  readonly clock: Clock;
  readonly log: Logger;
}

export class WorkerMessages {
  /** For asks between workers, and commands in. */
  readonly broker: Broker;
  readonly prepared: PreparedBroker;
  readonly relay: EventRelay;
  /** A connection of its own: writes are large. */
  readonly #eventsBroker: Broker;
  readonly #publisher: EventPublisher;

  constructor({ url, purpose, deploymentId, publicUrl, actors, stores, clock, log }: MessagesDeps) {
    this.broker = new Broker({ url, name: purpose, clock, log });
    this.#eventsBroker = new Broker({ url, name: `${purpose}/events`, clock, log });
    const topology = ordersTopology({ deploymentId });
    const prepared = new PreparedBroker(this.#eventsBroker, { topology, clock, log });
    const publisher = new EventPublisher(this.#eventsBroker.connection, { clock });
    this.prepared = prepared;
    this.#publisher = publisher;
    this.relay = new EventRelay({
      kinds: actors.kinds,
      journal: stores.journal,
      store: stores.relay,
      messages: new PublicMessages(actors.events, new MessageOrigin({ deploymentId, publicUrl })),
      publish: (message, confirm) => publisher.publish(message, confirm),
      publishUnrouted: (message, confirm) => publisher.publishUnrouted(message, confirm),
      brokerIsUp: () => prepared.isReady,
      onMissing: () => prepared.mend(),
      gather: (portion) => void clock.after(EVENTS_GATHER_MS, portion),
      clock,
      log,
    });
    prepared.onReady(() => this.relay.resume());
  }

  /** Of the connection that events take. */
  get eventsState(): Broker['state'] {
    return this.#eventsBroker.state;
  }

  get parts(): readonly (Broker | PreparedBroker | EventRelay)[] {
    return [this.relay, this.broker, this.#eventsBroker, this.prepared];
  }

  closeEvents(): void {
    this.#publisher.close();
  }

  async close(): Promise<void> {
    await Promise.all([this.broker.close(), this.#eventsBroker.close()]);
  }
}
