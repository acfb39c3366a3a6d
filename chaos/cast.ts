/**
 * Starts all parts of a run: PostgreSQL and RabbitMQ of its own, the nodes with a proxy before each server, and the
 * kit's own consumer and sender. Each part is in the clean-up before it starts.
 */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Cleanup } from '../bench/host/cleanup.ts';
import { freePorts } from '../config/free-ports.ts';
import { removeDataDir } from '../config/runtime-dir.ts';
import { EventConsumer } from './broker/event-consumer.ts';
import { BROKER_USER, OwnBroker } from './broker/own-broker.ts';
import type { HeardEvents } from './check/heard-events.ts';
import { OwnDatabase } from './database/own-database.ts';
import type { Stage } from './faults/fault.ts';
import { MessageClient } from './load/message-client.ts';
import { ChaosNode, type NodeWatcher } from './nodes/chaos-node.ts';
import type { ChaosOptions } from './options.ts';
import type { ProgressLine } from './progress-line.ts';
import { BrokerProxy } from './proxy/broker-proxy.ts';
import { DatabaseProxy } from './proxy/database-proxy.ts';

interface Servers {
  readonly database: OwnDatabase;
  readonly broker?: OwnBroker | undefined;
}

export interface StartedCast extends Stage {
  readonly messages?: MessageClient | undefined;
}

export class Cast {
  readonly #options: ChaosOptions;
  readonly #cleanup: Cleanup;
  readonly #progress: ProgressLine;
  readonly #watcher: NodeWatcher;

  constructor(options: ChaosOptions, cleanup: Cleanup, progress: ProgressLine, watcher: NodeWatcher) {
    this.#options = options;
    this.#cleanup = cleanup;
    this.#progress = progress;
    this.#watcher = watcher;
  }

  /** @throws what keeps one of them from starting */
  async start(jwtSecret: string, heard: HeardEvents): Promise<StartedCast> {
    const { logFolder } = this.#options;
    if (logFolder !== undefined) await mkdir(logFolder, { recursive: true });
    const servers = await this.#startServers();
    const nodes = await this.#startNodes(servers, jwtSecret);
    const { broker } = servers;
    if (broker === undefined) return { ...servers, nodes };
    const consumer = await this.#startConsumer(broker, heard);
    return { ...servers, nodes, consumer, messages: this.#openMessages(broker) };
  }

  async #startServers(): Promise<Servers> {
    this.#progress.begin(() => 'starting PostgreSQL ...');
    const database = await OwnDatabase.start(this.#cleanup);
    if (!this.#options.broker) return { database };
    this.#progress.begin(() => 'starting RabbitMQ ...');
    return { database, broker: await OwnBroker.start(this.#cleanup) };
  }

  /** After the nodes, which declare the exchange; before the load, so that it hears of everything. */
  async #startConsumer(broker: OwnBroker, heard: HeardEvents): Promise<EventConsumer> {
    const consumer = await EventConsumer.start(broker.url, heard);
    this.#cleanup.add(() => consumer.close());
    return consumer;
  }

  #openMessages(broker: OwnBroker): MessageClient {
    const messages = new MessageClient(broker.url, BROKER_USER);
    this.#cleanup.add(() => messages.close());
    return messages;
  }

  async #startNodes({ database, broker }: Servers, jwtSecret: string): Promise<ChaosNode[]> {
    const nodes: ChaosNode[] = [];
    for (let index = 0; index < this.#options.nodes; index++) {
      this.#progress.begin(() => `starting node ${index + 1} ...`);
      const proxy = await DatabaseProxy.open({ path: database.socketPath });
      this.#cleanup.add(() => proxy.close());
      const brokerProxy = broker && (await BrokerProxy.open(broker.address));
      this.#cleanup.add(() => brokerProxy?.close());
      const dataDir = path.join(tmpdir(), `holdfast-chaos-${randomBytes(6).toString('hex')}`);
      this.#cleanup.add(() => removeDataDir(dataDir));
      await mkdir(dataDir, { mode: 0o700 });
      const [port, adminPort] = await freePorts(2);
      const node = new ChaosNode(
        index,
        {
          databaseUrl: database.urlThrough(proxy.port),
          dataDir,
          port: port!,
          adminPort: adminPort!,
          workers: this.#options.workers,
          jwtSecret,
          ...(broker && brokerProxy && { amqpUrl: broker.urlThrough(brokerProxy.port) }),
        },
        { database: proxy, broker: brokerProxy },
        this.#watcher,
        this.#options.logFolder,
      );
      this.#cleanup.add(() => node.destroy());
      nodes.push(node);
      await node.start();
    }
    return nodes;
  }
}
