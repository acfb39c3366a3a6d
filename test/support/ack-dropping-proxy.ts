/**
 * A proxy before RabbitMQ that loses the broker's publisher confirms (basic.ack) on demand, and nothing else: the
 * connection lives, heartbeats go on, messages are in their queues.
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

const FRAME_HEADER_BYTES = 7;
const METHOD_FRAME = 1;
const BASIC_ACK = 0x003c_0050;

export class AckDroppingProxy {
  /** Confirms that were lost so far. */
  dropped = 0;
  isDropping = false;
  readonly #server = createServer((client) => this.#accept(client));
  readonly #sockets = new Set<Socket>();
  readonly #target: URL;

  constructor(url: string) {
    this.#target = new URL(url);
  }

  /** @returns the URL by which the broker is reached through it. */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const url = new URL(this.#target);
    url.hostname = '127.0.0.1';
    url.port = String((this.#server.address() as AddressInfo).port);
    return url.href;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(client: Socket): void {
    const broker = connect(Number(this.#target.port || 5672), this.#target.hostname);
    for (const [socket, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    client.pipe(broker);
    let held = Buffer.alloc(0);
    broker.on('data', (bytes: Buffer) => {
      held = Buffer.concat([held, bytes]);
      for (;;) {
        const size = held.length < FRAME_HEADER_BYTES ? Infinity : held.readUInt32BE(3) + FRAME_HEADER_BYTES + 1;
        if (held.length < size) return;
        const frame = held.subarray(0, size);
        held = held.subarray(size);
        if (this.isDropping && isAck(frame)) this.dropped++;
        else client.write(frame);
      }
    });
  }
}

function isAck(frame: Buffer): boolean {
  return frame[0] === METHOD_FRAME && frame.readUInt32BE(FRAME_HEADER_BYTES) === BASIC_ACK;
}
