/** One node's only way to RabbitMQ. */
import { BrokerSession } from './broker-session.ts';
import type { ServerAddress } from './proxied-connection.ts';
import { TcpProxy } from './tcp-proxy.ts';

export class BrokerProxy extends TcpProxy<BrokerSession> {
  #onDropped: (() => void) | undefined;

  static open(server: ServerAddress): Promise<BrokerProxy> {
    return new BrokerProxy(server, BrokerSession).listen();
  }

  /** The broker's confirms of published messages do not arrive, until {@link passAcks}; calls for each that is lost. */
  dropAcks(onDropped: () => void): void {
    this.#onDropped = onDropped;
    for (const connection of this.connections) connection.dropAcks(onDropped);
  }

  passAcks(): void {
    this.#onDropped = undefined;
    for (const connection of this.connections) connection.passAcks();
  }

  protected override opened(connection: BrokerSession): void {
    super.opened(connection);
    if (this.#onDropped !== undefined) connection.dropAcks(this.#onDropped);
  }
}
