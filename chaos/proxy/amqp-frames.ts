/**
 * Divides a stream of AMQP 0-9-1 into its frames: an octet for the type, a short for the channel, a long for the
 * payload's size, the payload, an octet 0xCE. A method frame's payload begins with its class and its method.
 */

const HEADER_BYTES = 7;
const END_BYTES = 1;
const FRAME_METHOD = 1;
const METHOD_ID_BYTES = 4;
const BASIC = 60;
const BASIC_ACK = 80;
/** A broker that refuses the protocol answers with a header instead of a frame: "AMQP" and its own version. */
const PROTOCOL_HEADER_FIRST = 'A'.charCodeAt(0);

export class AmqpFrames {
  #rest: Buffer = Buffer.alloc(0);

  /** @returns the frames that are complete now, each with its envelope; the beginning of the next one is kept. */
  push(chunk: Buffer): Buffer[] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: Buffer[] = [];
    let start = 0;
    while (bytes.length - start >= HEADER_BYTES) {
      if (bytes[start] === PROTOCOL_HEADER_FIRST) break;
      const end = start + HEADER_BYTES + bytes.readUInt32BE(start + 3) + END_BYTES;
      if (end > bytes.length) break;
      frames.push(bytes.subarray(start, end));
      start = end;
    }
    const rest = bytes.subarray(start);
    if (rest[0] === PROTOCOL_HEADER_FIRST) {
      frames.push(rest);
      this.#rest = Buffer.alloc(0);
    } else {
      this.#rest = rest;
    }
    return frames;
  }
}

/** From the broker: the confirm of a publication. */
export function isBasicAck(frame: Buffer): boolean {
  return (
    frame[0] === FRAME_METHOD &&
    frame.length >= HEADER_BYTES + METHOD_ID_BYTES &&
    frame.readUInt16BE(HEADER_BYTES) === BASIC &&
    frame.readUInt16BE(HEADER_BYTES + 2) === BASIC_ACK
  );
}
