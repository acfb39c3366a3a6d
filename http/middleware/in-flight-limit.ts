/**
 * Owns the number of requests that are handled at a time. Only those that ask the actors are refused, so that a worker
 * with too much to do still says that it is alive.
 *
 * A request has a place from its arrival until its answer has left. It gives it up while it waits for something outside
 * that may never come: its body (unfinished-bodies.ts) or the keys that verify its token (caller.ts). It counts as
 * under way all the time, because a worker that stops waits for all.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { headersOfEveryAnswer, instanceOf, PROBLEM_TYPE } from '../answer.ts';
import { retryAfterSeconds } from '../answer-problems.ts';
import { discardRest } from '../body.ts';
import type { LeavingAnswers } from '../leaving-answers.ts';
import { Problem, problemDocument, PROBLEMS } from '../problems.ts';
import { requestIdOf } from '../request-id.ts';
import type { Slots } from '../unfinished-bodies.ts';

/** A worker with too much to do still says that it is alive; a proxy may send the address with scheme and host. */
const HEALTH = /^(?:https?:\/\/[^/?]*)?\/health\//;
/** Made once: it stands for every refusal. */
const REFUSAL = new Problem(
  'overloaded',
  'Too many requests are being handled now; nothing was applied. Send the request again later.',
);

export class InFlightLimit implements Slots {
  readonly #max: number;
  readonly #bodyBytesMax: number;
  readonly #leaving: LeavingAnswers;
  readonly #refused: () => void;
  #handled = 0;
  #waiting = 0;

  /** @param bodyBytesMax see discardRest. @param refused hears of each request that is refused. */
  constructor(inFlightMax: number, bodyBytesMax: number, leaving: LeavingAnswers, refused: () => void) {
    this.#refused = refused;
    this.#max = inFlightMax;
    this.#bodyBytesMax = bodyBytesMax;
    this.#leaving = leaving;
  }

  /** Requests that have come and are not answered yet, or whose answer has not left. */
  get underWay(): number {
    return this.#handled + this.#waiting + this.#leaving.count;
  }

  /** @param handle resolves when the request is answered; never rejects. */
  count(handle: () => Promise<void>): void {
    const answered = handle();
    this.#handled += 1;
    void answered.then(this.#ended);
  }

  readonly #ended = (): void => {
    this.#handled -= 1;
  };

  pause(): void {
    this.#handled -= 1;
    this.#waiting += 1;
  }

  resume(): boolean {
    const hasRoom = this.#hasRoom();
    this.#handled += 1;
    this.#waiting -= 1;
    return hasRoom;
  }

  /**
   * Answers a request that is one too many, before anything of the edge is spent on it: at several times the load that
   * can be borne, refusing is most of the work. False: there is room.
   */
  refuses(req: IncomingMessage, res: ServerResponse): boolean {
    if (this.#hasRoom() || HEALTH.test(req.url ?? '')) return false;
    const requestId = requestIdOf(req.headers['request-id']);
    const body = JSON.stringify(problemDocument(REFUSAL, { requestId, instance: instanceOf(req.url ?? '') }));
    res.writeHead(PROBLEMS.overloaded.status, {
      ...headersOfEveryAnswer(requestId),
      'Content-Type': PROBLEM_TYPE,
      'Retry-After': String(retryAfterSeconds()),
      'Content-Length': Buffer.byteLength(body),
    });
    res.end(body);
    this.#refused();
    // Node itself lets unread bodies flow by; without an announced length that could be without end.
    const length = req.headers['content-length'] ?? (req.headers['transfer-encoding'] === undefined ? 0 : Infinity);
    if (!(Number(length) <= this.#bodyBytesMax)) discardRest(req, this.#bodyBytesMax);
    return true;
  }

  #hasRoom(): boolean {
    return this.#handled + this.#leaving.count < this.#max && !this.#leaving.full;
  }
}
