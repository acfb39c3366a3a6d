/**
 * Envelopes over a stream socket: a frame is a 32-bit big-endian byte length and a JSON array. One frame holds all that
 * is sent within one turn of the event loop, which makes the transport cheap.
 */
import { isAscii } from 'node:buffer';
import type { Socket } from 'node:net';
import type { Clock } from '../../kernel/clock.ts';
import { CorruptionError } from '../../kernel/errors.ts';
import type { Envelope } from '../envelope.ts';

const LENGTH_BYTES = 4;
/** A longer frame is not ours: the connection is closed. */
const FRAME_BYTES_MAX = 256 * 1024 * 1024;
/** One frame stays small enough that a long queue doesn't stall the event loop at once. */
const ENVELOPES_PER_FRAME_MAX = 200;
/** Orders of thousands of lines are large: a frame of several is cut in two beyond this. */
const FRAME_CHARS_MAX = 16 * 1024 * 1024;

export class FramedSocket {
  readonly #socket: Socket;
  readonly #clock: Clock;
  #outgoing: Envelope[] = [];
  #chunks: Buffer[] = [];
  #bytes = 0;

  /** `onClose` is called once, whatever ended the connection. */
  constructor(socket: Socket, clock: Clock, onEnvelope: (envelope: Envelope) => void, onClose: () => void) {
    this.#socket = socket;
    this.#clock = clock;
    socket.on('data', (chunk: Buffer) => {
      try {
        this.#read(chunk, onEnvelope);
      } catch {
        socket.destroy();
      }
    });
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', onClose);
  }

  /** Bytes that the peer has not taken yet. */
  get backlogBytes(): number {
    return this.#socket.writableLength;
  }

  send(envelope: Envelope): void {
    if (this.#outgoing.length === 0) this.#clock.soon(() => this.#flush());
    this.#outgoing.push(envelope);
  }

  close(): void {
    this.#socket.destroy();
  }

  #flush(): void {
    const outgoing = this.#outgoing;
    this.#outgoing = [];
    if (this.#socket.destroyed) return;
    for (let start = 0; start < outgoing.length; start += ENVELOPES_PER_FRAME_MAX) {
      this.#write(outgoing.slice(start, start + ENVELOPES_PER_FRAME_MAX));
    }
  }

  #write(envelopes: readonly Envelope[]): void {
    const text = JSON.stringify(envelopes);
    if (text.length > FRAME_CHARS_MAX && envelopes.length > 1) {
      this.#write(envelopes.slice(0, envelopes.length >> 1));
      this.#write(envelopes.slice(envelopes.length >> 1));
      return;
    }
    const length = Buffer.byteLength(text);
    const frame = Buffer.allocUnsafe(LENGTH_BYTES + length);
    frame.writeUInt32BE(length, 0);
    // ASCII, as nearly all texts are, has the same bytes in both encodings, and Latin-1 is cheaper.
    frame.write(text, LENGTH_BYTES, length === text.length ? 'latin1' : 'utf8');
    this.#socket.write(frame);
  }

  /** @throws CorruptionError for bytes that are no frame. */
  #read(chunk: Buffer, onEnvelope: (envelope: Envelope) => void): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    while (this.#bytes >= LENGTH_BYTES) {
      const length = this.#peekLength();
      if (length > FRAME_BYTES_MAX) throw new CorruptionError(`a frame of ${length} bytes`);
      if (this.#bytes < LENGTH_BYTES + length) return;
      const buffer = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
      const end = LENGTH_BYTES + length;
      const encoding = isAscii(buffer.subarray(LENGTH_BYTES, end)) ? 'latin1' : 'utf8';
      const envelopes = JSON.parse(buffer.toString(encoding, LENGTH_BYTES, end)) as Envelope[];
      const rest = buffer.subarray(end);
      this.#chunks = rest.length > 0 ? [rest] : [];
      this.#bytes = rest.length;
      for (const envelope of envelopes) onEnvelope(envelope);
    }
  }

  #peekLength(): number {
    if (this.#chunks[0]!.length < LENGTH_BYTES) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0]!.readUInt32BE(0);
  }
}
