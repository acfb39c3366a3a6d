/**
 * Owns the way of a request's body: bytes under a limit, valid UTF-8, valid JSON, clean texts. What it refuses it
 * refuses as early as it can; what it has refused it lets flow by (bounded), so that the client can read the answer
 * and use its connection again.
 */
import type { IncomingMessage } from 'node:http';
import { JsonFault, parseBoundedJson } from '../kernel/bounded-json.ts';
import { isJsonType } from '../kernel/media-type.ts';
import type { Principal } from './authenticator.ts';
import { Problem } from './problems.ts';
import { screenTexts } from './text-screen.ts';
import { tooManyRequests, type UnfinishedBodies, type UnfinishedBody } from './unfinished-bodies.ts';

/** The client has gone, so there is no answer to send. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone';
}

export interface BodyReader {
  /** Bodies that did not come with their headers and are not here yet. */
  readonly unfinished: number;
  /**
   * @returns the parsed body, or undefined where the request has none.
   * @throws Problem unsupported_media_type, payload_too_large, malformed_json, validation_failed (ill-formed text),
   * card_data_refused, request_timeout, rate_limited, overloaded; ClientGone.
   */
  readJson(req: IncomingMessage, caller: Principal): Promise<unknown>;
}

export interface BodyLimits {
  readonly bodyBytesMax: number;
  readonly bufferedBytesMax: number;
}

/** A refused body may be this many times the limit until its connection is cut. */
const DISCARDED_BODIES_MAX = 8;
const EMPTY = Buffer.alloc(0);

export function createBodyReader(limits: BodyLimits, unfinished: UnfinishedBodies): BodyReader {
  const { bodyBytesMax, bufferedBytesMax } = limits;
  let bufferedBytes = 0;

  function receive(req: IncomingMessage, caller: string): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      // Gone while the caller's token was verified: its 'close' has been, and nothing would ever come.
      if (req.destroyed) {
        reject(new ClientGone('the client went away before its body was read'));
        return;
      }
      let first: Buffer | undefined;
      let others: Buffer[] | undefined;
      let bytes = 0;
      const end = (): boolean => {
        bufferedBytes -= bytes;
        return unfinished.finished(body);
      };
      const fail = (error: Error): void => {
        end();
        first = others = undefined;
        reject(error);
      };
      const body: UnfinishedBody = { caller, refuse: fail, isFinished: false, slowSinceMs: undefined };
      unfinished.begun(body);
      // The listeners stay: after the end of the body they cost nothing, and taking them off would.
      req.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (body.isFinished) {
          if (bytes > bodyBytesMax * DISCARDED_BODIES_MAX) req.destroy();
          return;
        }
        bufferedBytes += chunk.length;
        if (bytes > bodyBytesMax || bufferedBytes > bufferedBytesMax) {
          fail(bytes > bodyBytesMax ? tooLarge(bodyBytesMax) : tooManyBodies());
        } else if (first === undefined) first = chunk;
        else (others ??= [first]).push(chunk);
      });
      req.on('end', () => {
        if (body.isFinished) return;
        const hasRoom = end();
        const whole = others === undefined ? (first ?? EMPTY) : Buffer.concat(others);
        first = others = undefined; // the listeners live as long as the request
        if (hasRoom) resolve(whole);
        else reject(tooManyRequests());
      });
      // Comes without an end before it when the connection breaks; without an 'error' listener there is no 'error'.
      req.on('close', () => {
        if (!body.isFinished) fail(new ClientGone('the client went away while it sent its body'));
      });
    });
  }

  return {
    get unfinished() {
      return unfinished.count;
    },
    async readJson(req, { customerId }) {
      const { 'content-length': length, 'transfer-encoding': encoding } = req.headers;
      if (encoding === undefined && (length === undefined || length === '0')) return undefined;
      const refusal = headerRefusal(req, bodyBytesMax);
      if (refusal !== undefined) {
        discardRest(req, bodyBytesMax);
        throw refusal;
      }
      const bytes = await receive(req, customerId);
      return bytes.length === 0 ? undefined : parseJson(bytes);
    },
  };
}

function headerRefusal({ headers }: IncomingMessage, bodyBytesMax: number): Problem | undefined {
  const type = headers['content-type'];
  if (type === undefined || !isJsonType(type)) {
    return new Problem('unsupported_media_type', 'Send the body as "Content-Type: application/json" in UTF-8.');
  }
  const coding = headers['content-encoding'];
  if (coding !== undefined && coding.toLowerCase() !== 'identity') {
    return new Problem('unsupported_media_type', 'Send the body without a Content-Encoding.');
  }
  return Number(headers['content-length'] ?? 0) > bodyBytesMax ? tooLarge(bodyBytesMax) : undefined;
}

function parseJson(bytes: Buffer): unknown {
  try {
    const { value, source } = parseBoundedJson(bytes);
    screenTexts(value, source);
    return value;
  } catch (thrown) {
    if (thrown instanceof JsonFault) throw problemOfJson(thrown);
    throw thrown;
  }
}

function problemOfJson({ code, message }: JsonFault): Problem {
  if (code === 'malformed_json') return new Problem(code, message);
  return new Problem('validation_failed', message, { errors: [{ pointer: '', code, detail: message }] });
}

/** Lets an unread body flow by, so that the connection can be used again; an endless one is cut. */
export function discardRest(req: IncomingMessage, bodyBytesMax: number): void {
  if (req.readableFlowing === true || req.destroyed) return;
  let bytes = 0;
  req.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > bodyBytesMax * DISCARDED_BODIES_MAX) req.destroy();
  });
}

const tooLarge = (bytesMax: number): Problem =>
  new Problem('payload_too_large', `The body is larger than ${bytesMax} bytes; send less at a time.`);

const tooManyBodies = (): Problem =>
  new Problem('overloaded', 'Too many bodies are being received now; nothing was applied.', { retryAfterSeconds: 1 });
