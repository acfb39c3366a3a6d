/** Owns entity tags, an entity's version each, so that equal tags mean an equal answer; and what requests say of them. */
import type { IncomingMessage } from 'node:http';
import type { Precondition } from '../runtime/precondition.ts';
import { Problem } from './problems.ts';

export const entityTag = (version: number): string => `"v${version}"`;

/**
 * True when `If-None-Match` names `tag` (weak comparison, RFC 9110 section 13.1.2). Koa's `ctx.fresh` says no as soon as
 * the request has `Cache-Control: no-cache`, and Node's own fetch sends that with every If-None-Match. A list that can't
 * be read names nothing: the answer is then the whole thing.
 */
export function matchesNone(header: string | undefined, tag: string): boolean {
  const tags = header === undefined ? undefined : tagsOf(header);
  return tags !== undefined && (tags === '*' || tags.some(({ text }) => text === tag));
}

/**
 * What a request that changes something demands, by its `If-Match` and `If-None-Match`. A tag that is not of our making
 * is at no version.
 *
 * @throws Problem validation_failed for a list that can't be read: to ignore it would apply what was to be prevented.
 */
export function preconditionOf({ headers }: Pick<IncomingMessage, 'headers'>): Precondition | undefined {
  const match = headers['if-match'];
  const noneMatch = headers['if-none-match'];
  if (match === undefined && noneMatch === undefined) return undefined;
  return {
    ...(match !== undefined && { ifMatch: versionsOf('If-Match', match, false) }),
    ...(noneMatch !== undefined && { ifNoneMatch: versionsOf('If-None-Match', noneMatch, true) }),
  };
}

/** @param weak whether weak tags count: `If-Match` compares strongly. */
function versionsOf(name: string, header: string, weak: boolean): '*' | readonly number[] {
  const tags = tagsOf(header);
  if (tags === undefined) {
    const detail = 'must be "*" or a list of entity tags in quotes, such as "v4", as ETag has them';
    const errors = [{ pointer: name, code: 'invalid_value', detail }];
    throw new Problem('validation_failed', `${name} ${detail}.`, { errors });
  }
  if (tags === '*') return tags;
  return tags
    .filter((tag) => weak || !tag.weak)
    .map(({ text }) => Number(VERSION_TAG.exec(text)?.[1]))
    .filter((version) => version > 0);
}

interface Tag {
  readonly weak: boolean;
  /** With its quotes. */
  readonly text: string;
}

const VERSION_TAG = /^"v([1-9]\d{0,9})"$/;
/** One element of a list with the comma behind it; empty elements are allowed (RFC 9110 section 5.6.1). */
const TAG = /[ \t]*(?:(W\/)?("[!#-~\x80-\xff]*"))?[ \t]*(?:,|$)/y;

/** Undefined: it is no list of entity tags. */
function tagsOf(header: string): '*' | readonly Tag[] | undefined {
  if (header.trim() === '*') return '*';
  const tags: Tag[] = [];
  TAG.lastIndex = 0;
  while (TAG.lastIndex < header.length) {
    const found = TAG.exec(header);
    if (found === null) return undefined;
    const [, weak, text] = found;
    if (text !== undefined) tags.push({ weak: weak !== undefined, text });
  }
  return tags.length === 0 ? undefined : tags;
}
