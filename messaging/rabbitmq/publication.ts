/**
 * Owns the bytes of a publication as AMQP 0-9-1 wants them: a method frame, a header frame, and the body's. Many of them
 * go into one piece of memory, which then is one write: see PublishingChannel. Fourteen properties are possible; here
 * stand those that our messages have.
 */
import { messageOf } from '../../kernel/errors.ts';
import { invariant } from '../../kernel/invariant.ts';

export interface Publication {
  /** '' is the broker's own, which routes to the queue of that name. */
  readonly exchange: string;
  readonly routingKey: string;
  readonly type: string;
  readonly messageId: string;
  readonly correlationId?: string | undefined;
  readonly appId: string;
  readonly contentType: string;
  readonly timestampSeconds: number;
  /** Numbers are integers. */
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body: string;
}

const FRAME = { method: 1, header: 2, body: 3, end: 0xce } as const;
/** Type, channel and size before a frame's payload, and one byte behind it. */
const FRAME_HEADER_BYTES = 7;
const FRAME_BYTES = FRAME_HEADER_BYTES + 1;
const BASIC_CLASS = 60;
const PUBLISH_METHOD = 40;
/** Publication with this bit set is returned where no queue takes it. */
const MANDATORY = 1;
const PERSISTENT = 2;
/** contentType, headers, deliveryMode, messageId, timestamp, type and appId. */
const PROPERTIES = 0x8000 | 0x2000 | 0x1000 | 0x80 | 0x40 | 0x20 | 0x08;
const CORRELATION_ID = 0x400;
/** Of a value in a table of headers. */
const FIELD = { text: 0x53, int32: 0x49, int64: 0x6c } as const;
const SHORT_TEXT_BYTES_MAX = 255;
/** Shorter ones are cheaper to copy here than to hand out. */
const LOOP_CHARACTERS_MAX = 80;
const UTF8_BYTES_PER_UNIT = 3;
const NOT_ASCII = 0x80;
const UINT32 = 2 ** 32;
/** What RabbitMQ takes by default. A larger one would close the channel, with everything on it, again and again. */
const BODY_BYTES_MAX = 16 * 1024 * 1024;

/** It has no form in which any broker would take it: to try again is no use. */
export class UnpublishableError extends Error {
  override readonly name = 'UnpublishableError';
}

export class PublicationWriter {
  readonly #channelId: number;
  readonly #frameBytesMax: number;
  #bytes: Buffer;
  #at = 0;

  /** @param frameBytesMax what both ends agreed on, the frame's own eight bytes included. @param bytes a first guess. */
  constructor(channelId: number, frameBytesMax: number, bytes = 65_536) {
    this.#channelId = channelId;
    this.#frameBytesMax = frameBytesMax;
    this.#bytes = Buffer.allocUnsafeSlow(bytes);
  }

  /** What was added, in order. The writer is used up. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  /** Durable and mandatory. @throws UnpublishableError, e.g. where a text is too long for its field; then nothing is added. */
  add(publication: Publication): void {
    const before = this.#at;
    try {
      this.#add(publication);
    } catch (error) {
      this.#at = before;
      throw new UnpublishableError(messageOf(error), { cause: error });
    }
  }

  #add(publication: Publication): void {
    const { exchange, routingKey, type, messageId, correlationId, headers, body } = publication;
    const method = this.#begin(FRAME.method);
    this.#uint16(BASIC_CLASS);
    this.#uint16(PUBLISH_METHOD);
    this.#uint16(0);
    this.#shortText(exchange);
    this.#shortText(routingKey);
    this.#uint8(MANDATORY);
    this.#end(method);

    const header = this.#begin(FRAME.header);
    this.#uint16(BASIC_CLASS);
    this.#uint16(0);
    const bodySizeAt = this.#at;
    this.#uint64(0);
    this.#uint16(correlationId === undefined ? PROPERTIES : PROPERTIES | CORRELATION_ID);
    this.#shortText(publication.contentType);
    this.#table(headers);
    this.#uint8(PERSISTENT);
    if (correlationId !== undefined) this.#shortText(correlationId);
    this.#shortText(messageId);
    this.#uint64(publication.timestampSeconds);
    this.#shortText(type);
    this.#shortText(publication.appId);
    this.#end(header);
    if (this.#at - header > this.#frameBytesMax) throw new RangeError('its headers are more than a frame may hold');

    const payloadMax = this.#frameBytesMax - FRAME_BYTES;
    if (body === '') return;
    if (body.length * UTF8_BYTES_PER_UNIT <= payloadMax) {
      const frame = this.#begin(FRAME.body);
      this.#text(body);
      this.#patchUint64(bodySizeAt, this.#at - frame - FRAME_HEADER_BYTES);
      this.#end(frame);
      return;
    }
    const bytes = Buffer.from(body);
    if (bytes.length > BODY_BYTES_MAX)
      throw new RangeError(`its body has ${bytes.length} bytes, and a broker takes ${BODY_BYTES_MAX}`);
    this.#patchUint64(bodySizeAt, bytes.length);
    for (let first = 0; first < bytes.length; first += payloadMax) {
      const part = bytes.subarray(first, first + payloadMax);
      const frame = this.#begin(FRAME.body);
      this.#reserve(part.length);
      part.copy(this.#bytes, this.#at);
      this.#at += part.length;
      this.#end(frame);
    }
  }

  /** @returns where the frame begins. */
  #begin(type: number): number {
    const frame = this.#at;
    this.#uint8(type);
    this.#uint16(this.#channelId);
    this.#uint32(0);
    return frame;
  }

  #end(frame: number): void {
    this.#patchUint32(frame + 3, this.#at - frame - FRAME_HEADER_BYTES);
    this.#uint8(FRAME.end);
  }

  #table(fields: Readonly<Record<string, string | number>>): void {
    const sizeAt = this.#at;
    this.#uint32(0);
    for (const key in fields) {
      this.#shortText(key);
      const value = fields[key]!;
      if (typeof value === 'string') {
        this.#uint8(FIELD.text);
        const textSizeAt = this.#at;
        this.#uint32(0);
        this.#text(value);
        this.#patchUint32(textSizeAt, this.#at - textSizeAt - 4);
      } else if ((value | 0) === value) {
        this.#uint8(FIELD.int32);
        this.#uint32(value);
      } else {
        invariant(Number.isSafeInteger(value) && value >= 0, 'a number in a header is an integer');
        this.#uint8(FIELD.int64);
        this.#uint64(value);
      }
    }
    this.#patchUint32(sizeAt, this.#at - sizeAt - 4);
  }

  #shortText(text: string): void {
    const sizeAt = this.#at;
    this.#uint8(0);
    this.#text(text);
    const size = this.#at - sizeAt - 1;
    if (size > SHORT_TEXT_BYTES_MAX) throw new RangeError(`"${text.slice(0, 40)}..." has more than 255 bytes`);
    this.#bytes[sizeAt] = size;
  }

  #text(text: string): void {
    const { length } = text;
    this.#reserve(length * UTF8_BYTES_PER_UNIT);
    if (length <= LOOP_CHARACTERS_MAX) {
      const bytes = this.#bytes;
      let index = 0;
      for (let code; index < length && (code = text.charCodeAt(index)) < NOT_ASCII; index++) {
        bytes[this.#at + index] = code;
      }
      if (index === length) {
        this.#at += length;
        return;
      }
    }
    this.#at += this.#bytes.write(text, this.#at);
  }

  #uint8(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = value;
  }

  #uint16(value: number): void {
    this.#uint8(value >>> 8);
    this.#uint8(value);
  }

  #uint32(value: number): void {
    this.#reserve(4);
    this.#patchUint32(this.#at, value);
    this.#at += 4;
  }

  #uint64(value: number): void {
    this.#reserve(8);
    this.#patchUint64(this.#at, value);
    this.#at += 8;
  }

  #patchUint32(at: number, value: number): void {
    const bytes = this.#bytes;
    bytes[at] = value >>> 24;
    bytes[at + 1] = value >>> 16;
    bytes[at + 2] = value >>> 8;
    bytes[at + 3] = value;
  }

  #patchUint64(at: number, value: number): void {
    this.#patchUint32(at, Math.floor(value / UINT32));
    this.#patchUint32(at + 4, value >>> 0);
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#at + bytes));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}
