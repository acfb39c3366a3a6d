/**
 * Owns one node's only way to PostgreSQL: a TCP port in front of the server. It passes bytes on and does
 * nothing else until a fault tells it to.
 */
import { type AddressInfo, type Server, createServer } from 'node:net';
import { type BlackHole, ProxiedConnection, type ServerAddress } from './proxied-connection.ts';

/** Appends and the taking of shards go over these. */
const JOURNAL_SESSION = /\/journal$/;

export class DatabaseProxy {
  readonly #server: Server;
  readonly #connections = new Set<ProxiedConnection>();
  #delays: readonly [toServerMs: number, toClientMs: number] = [0, 0];
  #blackHole: BlackHole | undefined;

  private constructor(server: ServerAddress) {
    // Allowed to stay half open: how a client hangs up is passed on as it came.
    this.#server = createServer({ allowHalfOpen: true }, (client) => {
      const connection = new ProxiedConnection(client, server);
      this.#connections.add(connection);
      void connection.closed.then(() => this.#connections.delete(connection));
      connection.delay(...this.#delays);
      if (this.#blackHole !== undefined) connection.blackHole(this.#blackHole);
    });
  }

  static async open(server: ServerAddress): Promise<DatabaseProxy> {
    const proxy = new DatabaseProxy(server);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once('error', reject);
      proxy.#server.listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get connections(): readonly ProxiedConnection[] {
    return [...this.#connections];
  }

  get journalSessions(): readonly ProxiedConnection[] {
    return this.connections.filter(({ name }) => JOURNAL_SESSION.test(name));
  }

  /** Of all connections, also those to come; 0 and 0 end it. */
  delay(toServerMs: number, toClientMs: number): void {
    this.#delays = [toServerMs, toClientMs];
    for (const connection of this.#connections) connection.delay(toServerMs, toClientMs);
  }

  /** For all connections, also those to come. */
  openBlackHole(how: BlackHole): void {
    this.#blackHole = how;
    for (const connection of this.#connections) connection.blackHole(how);
  }

  closeBlackHole(): void {
    this.#blackHole = undefined;
    for (const connection of this.#connections) connection.endBlackHole();
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#connections) connection.cut();
    await closed;
  }
}
