/**
 * Owns one session between a node and PostgreSQL, and what can be done to it. A client that hangs up while the session
 * is held or a statement is withheld does not end the server's side: as behind a dead network, the server does not hear
 * of it before the network is back.
 */
import { type Socket, connect } from 'node:net';
import { Flow } from './flow.ts';
import { applicationNameIn } from './startup-packet.ts';

/** Sync, the last message of a statement in the extended protocol: a type byte and an Int32 length. */
export const SYNC_BYTES = 5;

/** A statement larger than a network buffer comes in pieces, right after one another. What comes later is none of it. */
const STATEMENT_PIECES_MS = 50;

/** Where PostgreSQL listens. */
export type ServerAddress = { readonly path: string } | { readonly host: string; readonly port: number };

export type BlackHole = 'held' | 'swallowed';

export class ProxiedConnection {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #toServer: Flow;
  readonly #toClient: Flow;
  readonly #closed: Promise<void>;
  #name: string | undefined;
  #firstBytes: Buffer = Buffer.alloc(0);
  #cutsAnswer: { asked: boolean; readonly done: () => void } | undefined;
  #withholds: { begun: boolean; readonly begin: () => void } | undefined;

  constructor(client: Socket, server: ServerAddress) {
    this.#client = client;
    this.#server = connect({ ...server, allowHalfOpen: true });
    this.#toServer = new Flow(this.#server);
    this.#toClient = new Flow(client);
    this.#closed = new Promise((resolve) => {
      let open = 2;
      const one = (): void => void (--open === 0 && resolve());
      client.once('close', one);
      this.#server.once('close', one);
    });
    client.setNoDelay(true);
    client.on('data', (chunk) => this.#fromClient(chunk));
    this.#server.on('data', (chunk) => this.#fromServer(chunk));
    // An error is followed by 'close', and the other side is ended then.
    for (const socket of [client, this.#server]) socket.on('error', () => undefined);
    for (const event of ['end', 'close'] as const) {
      client.on(event, () => this.#toServer.end());
      this.#server.on(event, () => this.#toClient.end());
    }
    void this.#closed.then(() => {
      this.#toServer.close();
      this.#toClient.close();
    });
  }

  /** application_name; '' until it is known. */
  get name(): string {
    return this.#name ?? '';
  }

  /** Resolves when both sides are closed. */
  get closed(): Promise<void> {
    return this.#closed;
  }

  delay(toServerMs: number, toClientMs: number): void {
    this.#toServer.delay(toServerMs);
    this.#toClient.delay(toClientMs);
  }

  /** Ends both sides at once: what was under way is lost. */
  cut(): void {
    this.#toServer.close();
    this.#toClient.close();
    this.#client.resetAndDestroy();
    this.#server.destroy();
  }

  /** Nothing gets through any more, and nobody is told. */
  blackHole(how: BlackHole): void {
    for (const flow of [this.#toServer, this.#toClient]) {
      if (how === 'held') flow.hold();
      else flow.drop();
    }
  }

  /** What was held goes on its way, however late. What was swallowed is missing: that session ends. */
  endBlackHole(): void {
    if (this.#toServer.isDropping || this.#toClient.isDropping) return this.cut();
    this.#toServer.release();
    this.#toClient.release();
  }

  /** The next statement reaches the server; its answer does not come back. `done` is called when that has happened. */
  cutNextAnswer(done: () => void): void {
    this.#cutsAnswer = { asked: false, done };
  }

  spareNextAnswer(): void {
    this.#cutsAnswer = undefined;
  }

  /** The next statement reaches the server but for its last bytes: it is executed and not committed. */
  withholdNextStatement(begin: () => void): void {
    this.#withholds = { begun: false, begin };
    this.#toServer.keepBack(SYNC_BYTES);
  }

  /** Ends the withholding: the last bytes arrive at last, or never. */
  endWithholding(how: 'delivered' | 'cut'): void {
    if (this.#withholds === undefined) return;
    this.#withholds = undefined;
    if (how === 'cut') return this.cut();
    this.#toClient.release();
    this.#toServer.letGo();
  }

  #fromClient(chunk: Buffer): void {
    if (this.#name === undefined) this.#readName(chunk);
    if (this.#cutsAnswer !== undefined) this.#cutsAnswer.asked = true;
    if (this.#withholds?.begun === false) {
      this.#withholds.begun = true;
      this.#toClient.hold();
      setTimeout(() => this.#withholds && this.#toServer.keepAll(), STATEMENT_PIECES_MS);
      this.#withholds.begin();
    }
    this.#toServer.push(chunk);
  }

  #fromServer(chunk: Buffer): void {
    if (this.#cutsAnswer?.asked === true) {
      const { done } = this.#cutsAnswer;
      this.#cutsAnswer = undefined;
      this.cut();
      done();
      return;
    }
    this.#toClient.push(chunk);
  }

  #readName(chunk: Buffer): void {
    this.#firstBytes = Buffer.concat([this.#firstBytes, chunk]);
    this.#name = applicationNameIn(this.#firstBytes);
  }
}
