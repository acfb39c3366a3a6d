/**
 * One connection between a node and RabbitMQ. It passes the broker's bytes on frame by frame, so that single frames can
 * be lost and the rest stays valid.
 */
import { AmqpFrames, isBasicAck } from './amqp-frames.ts';
import { ProxiedConnection } from './proxied-connection.ts';

export class BrokerSession extends ProxiedConnection {
  readonly #frames = new AmqpFrames();
  #onDropped: (() => void) | undefined;

  dropAcks(onDropped: () => void): void {
    this.#onDropped = onDropped;
  }

  passAcks(): void {
    this.#onDropped = undefined;
  }

  protected override fromServer(chunk: Buffer): void {
    const passed: Buffer[] = [];
    for (const frame of this.#frames.push(chunk)) {
      if (this.#onDropped !== undefined && isBasicAck(frame)) this.#onDropped();
      else passed.push(frame);
    }
    if (passed.length > 0) super.fromServer(Buffer.concat(passed));
  }
}
