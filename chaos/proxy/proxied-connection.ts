/**
 * One connection between a node and a server, with the faults of any protocol: it is delayed, cut, or falls into a
 * black hole. Subclasses know their protocol. A client that hangs up while the connection is held does not end the
 * server's side: as behind a dead network, the server does not hear of it before the network is back.
 */
import { type Socket, connect } from 'node:net';
import { Flow } from './flow.ts';

/** Where the server listens. */
export type ServerAddress = { readonly path: string } | { readonly host: string; readonly port: number };

export type BlackHole = 'held' | 'swallowed';

export class ProxiedConnection {
  readonly #client: Socket;
  readonly #server: Socket;
  protected readonly toServer: Flow;
  protected readonly toClient: Flow;
  readonly #closed: Promise<void>;

  constructor(client: Socket, server: ServerAddress) {
    this.#client = client;
    this.#server = connect({ ...server, allowHalfOpen: true });
    this.toServer = new Flow(this.#server);
    this.toClient = new Flow(client);
    this.#closed = new Promise((resolve) => {
      let open = 2;
      const one = (): void => void (--open === 0 && resolve());
      client.once('close', one);
      this.#server.once('close', one);
    });
    client.setNoDelay(true);
    client.on('data', (chunk) => this.fromClient(chunk));
    this.#server.on('data', (chunk) => this.fromServer(chunk));
    // An error is followed by 'close', and the other side is ended then.
    for (const socket of [client, this.#server]) socket.on('error', () => undefined);
    for (const event of ['end', 'close'] as const) {
      client.on(event, () => this.toServer.end());
      this.#server.on(event, () => this.toClient.end());
    }
    void this.#closed.then(() => {
      this.toServer.close();
      this.toClient.close();
    });
  }

  /** Resolves when both sides are closed. */
  get closed(): Promise<void> {
    return this.#closed;
  }

  delay(toServerMs: number, toClientMs: number): void {
    this.toServer.delay(toServerMs);
    this.toClient.delay(toClientMs);
  }

  /** Ends both sides at once: what was under way is lost. */
  cut(): void {
    this.toServer.close();
    this.toClient.close();
    this.#client.resetAndDestroy();
    this.#server.destroy();
  }

  /** No byte gets through any more, and neither side notices. */
  blackHole(how: BlackHole): void {
    for (const flow of [this.toServer, this.toClient]) {
      if (how === 'held') flow.hold();
      else flow.drop();
    }
  }

  /** What was held goes on its way, however late. What was swallowed is missing: that session ends. */
  endBlackHole(): void {
    if (this.toServer.isDropping || this.toClient.isDropping) return this.cut();
    this.toServer.release();
    this.toClient.release();
  }

  /** Bytes that the client sent. */
  protected fromClient(chunk: Buffer): void {
    this.toServer.push(chunk);
  }

  /** Bytes that the server sent. */
  protected fromServer(chunk: Buffer): void {
    this.toClient.push(chunk);
  }
}
