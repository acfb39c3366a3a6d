/**
 * The public events that the kit's consumer heard: which, in which order of first arrival, under which id. It keeps no
 * bodies, only whether an id came with two.
 */
import { createHash } from 'node:crypto';
import { Violations } from './violation.ts';

/** The identifying parts of a message. */
export interface HeardMessage {
  readonly id: string;
  readonly subject: string;
  readonly entityVersion: number;
  readonly type: string;
  readonly body: unknown;
}

/** An event's name by its entity, independent of its message id. An entity's row has one event of a type. */
export function eventKey(entityVersion: number, type: string): string {
  return `${entityVersion} ${type}`;
}

const DIGEST_CHARS = 12;

export class HeardEvents {
  readonly #violations = new Violations();
  /** What an id names. */
  readonly #contentOf = new Map<string, string>();
  readonly #idOf = new Map<string, string>();
  readonly #arrivals = new Map<string, string[]>();
  #messages = 0;
  #distinct = 0;

  add({ id, subject, entityVersion, type, body }: HeardMessage): void {
    this.#messages += 1;
    const key = eventKey(entityVersion, type);
    const event = `${subject} ${key}`;
    const content = `${event} ${digestOf(body)}`;
    const before = this.#contentOf.get(id);
    if (before === undefined) this.#contentOf.set(id, content);
    else if (before !== content) this.#violations.add('id_names_two_events', id, before, content);
    const idBefore = this.#idOf.get(event);
    if (idBefore === undefined) {
      this.#idOf.set(event, id);
      this.#distinct += 1;
      const arrivals = this.#arrivals.get(subject);
      if (arrivals === undefined) this.#arrivals.set(subject, [key]);
      else arrivals.push(key);
    } else if (idBefore !== id) {
      this.#violations.add('event_under_two_ids', event, idBefore, id);
    }
  }

  /** First arrivals, by entity. */
  get arrivals(): ReadonlyMap<string, readonly string[]> {
    return this.#arrivals;
  }

  get messages(): number {
    return this.#messages;
  }

  get distinct(): number {
    return this.#distinct;
  }

  get violations(): Violations['list'] {
    return this.#violations.list;
  }
}

function digestOf(body: unknown): string {
  return createHash('sha1')
    .update(JSON.stringify(body) ?? '')
    .digest('base64')
    .slice(0, DIGEST_CHARS);
}
