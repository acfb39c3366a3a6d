/**
 * One keep-alive HTTP/1.1 connection with at most one exchange on it. It exists because the load shares the machine
 * with what it measures: it costs a fraction of a general client's CPU by writing requests that are ready and reading
 * only answers with a Content-Length, which is how both services answer. Anything else is a failure, never a guess.
 */
import { type Socket, connect } from 'node:net';

export interface Answer {
  readonly status: number;
  readonly body: string;
}

export type ExchangeOutcome = Answer | Error;

const HEADERS_END = '\r\n\r\n';
const CONTENT_LENGTH = /\r\ncontent-length: *(\d+)/i;
const CONNECTION_CLOSE = /\r\nconnection: *close/i;

export class HttpConnection {
  readonly #port: number;
  #socket: Socket | undefined;
  #received: Buffer = Buffer.alloc(0);
  #onOutcome: ((outcome: ExchangeOutcome) => void) | undefined;

  constructor(port: number) {
    this.#port = port;
  }

  /** Connects, so that the first exchange does not pay for it. */
  async open(): Promise<void> {
    const socket = this.#connect();
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
  }

  /**
   * Sends `request` (latin1, complete) and hands its outcome to `onOutcome`, once. A connection that the server
   * closed is opened again.
   */
  exchange(request: string, onOutcome: (outcome: ExchangeOutcome) => void): void {
    if (this.#onOutcome !== undefined) throw new Error('one exchange at a time on a connection');
    this.#onOutcome = onOutcome;
    const socket = this.#socket ?? this.#connect();
    socket.write(request, 'latin1');
  }

  /** Ends the connection; an exchange under way fails with `reason`. */
  close(reason: Error): void {
    this.#socket?.destroy();
    this.#socket = undefined;
    this.#settle(reason);
  }

  #connect(): Socket {
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true });
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', (error) => this.#lose(socket, error));
    socket.on('close', () => this.#lose(socket, new Error('the server closed the connection')));
    return socket;
  }

  #lose(socket: Socket, reason: Error): void {
    if (this.#socket === socket) this.close(reason);
  }

  #receive(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const headersEnd = this.#received.indexOf(HEADERS_END, 0, 'latin1');
    if (headersEnd < 0) return;
    const headers = this.#received.toString('latin1', 0, headersEnd);
    const length = CONTENT_LENGTH.exec(headers)?.[1];
    if (length === undefined) return this.close(new Error(`an answer without Content-Length: ${headers.slice(0, 80)}`));
    const bodyStart = headersEnd + HEADERS_END.length;
    const bodyEnd = bodyStart + Number(length);
    if (this.#received.length < bodyEnd) return;
    const answer = { status: Number(headers.slice(9, 12)), body: this.#received.toString('utf8', bodyStart, bodyEnd) };
    this.#received = this.#received.subarray(bodyEnd);
    if (CONNECTION_CLOSE.test(headers)) {
      this.#socket?.destroy();
      this.#socket = undefined;
    }
    this.#settle(answer);
  }

  #settle(outcome: ExchangeOutcome): void {
    const onOutcome = this.#onOutcome;
    this.#onOutcome = undefined;
    if (outcome instanceof Error) this.#received = Buffer.alloc(0);
    onOutcome?.(outcome);
  }
}
