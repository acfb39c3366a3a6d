/**
 * One node's only way to a server: a TCP port in front of it. It passes bytes on until a fault acts. A fault acts on
 * all connections, also on those that are opened later.
 */
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';
import type { BlackHole, ProxiedConnection, ServerAddress } from './proxied-connection.ts';

export type SessionClass<Session extends ProxiedConnection> = new (client: Socket, server: ServerAddress) => Session;

export class TcpProxy<Session extends ProxiedConnection> {
  readonly #server: Server;
  readonly #connections = new Set<Session>();
  #delays: readonly [toServerMs: number, toClientMs: number] = [0, 0];
  #blackHole: BlackHole | undefined;
  #isRefusing = false;

  constructor(server: ServerAddress, Session: SessionClass<Session>) {
    // Half-open connections are allowed, so that a client's hang-up is passed on unchanged.
    this.#server = createServer({ allowHalfOpen: true }, (client) => {
      if (this.#isRefusing) return client.resetAndDestroy();
      const connection = new Session(client, server);
      this.#connections.add(connection);
      void connection.closed.then(() => this.#connections.delete(connection));
      this.opened(connection);
    });
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get connections(): readonly Session[] {
    return [...this.#connections];
  }

  /** 0 and 0 end it. */
  delay(toServerMs: number, toClientMs: number): void {
    this.#delays = [toServerMs, toClientMs];
    for (const connection of this.#connections) connection.delay(toServerMs, toClientMs);
  }

  openBlackHole(how: BlackHole): void {
    this.#blackHole = how;
    for (const connection of this.#connections) connection.blackHole(how);
  }

  closeBlackHole(): void {
    this.#blackHole = undefined;
    for (const connection of this.#connections) connection.endBlackHole();
  }

  /** Resets all connections, and each new one, until {@link accept}. */
  refuse(): void {
    this.#isRefusing = true;
    for (const connection of this.#connections) connection.cut();
  }

  accept(): void {
    this.#isRefusing = false;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#connections) connection.cut();
    await closed;
  }

  /** A fault that lasts holds for a new connection as well. */
  protected opened(connection: Session): void {
    connection.delay(...this.#delays);
    if (this.#blackHole !== undefined) connection.blackHole(this.#blackHole);
  }
}
