/**
 * Owns the keys of a JSON Web Key Set (RFC 7517) at an address. The set is fetched by one request at a time, at most
 * once in a while, and whatever its server does, known keys go on verifying: only who brings a key that is not known
 * waits for a fetch, and hears at once that there is none to wait for.
 */
import { createLocalJWKSet, errors, type JWK, type JWTHeaderParameters, type JWTVerifyGetKey } from 'jose';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Clock } from '../kernel/clock.ts';
import { messageOf } from '../kernel/errors.ts';
import { canonicalJson } from '../kernel/canonical-json.ts';

/** The set is fetched anew when it is older and a token is shown: a key that was taken from it ends then. */
export const KEY_SET_MAX_AGE_MS = 60_000;
/** Between two fetches for a key that is not known: made-up key ids must not become a load on the server. */
export const FETCH_PAUSE_MS = 10_000;
/** After a fetch that failed. */
export const RETRY_PAUSE_MS = 2_000;
/** Tokens that wait for a fetch; one more is refused at once. */
const WAITING_MAX = 200;
const FETCH_TIMEOUT_MS = 5_000;
const KEY_SET_BYTES_MAX = 1024 * 1024;
const KEYS_MAX = 100;

/** What identity providers publish beside signing keys is passed over. */
const KEY_SET = z.object({
  keys: z.array(z.looseObject({ kty: z.string(), kid: z.string().optional() })).max(KEYS_MAX),
});

/** A key that verified a token; the token is good only as long as the key is current. */
export interface TokenKey {
  isCurrent: boolean;
}

interface PublishedKey extends TokenKey {
  readonly content: string;
  readonly kid: string | undefined;
  readonly find: JWTVerifyGetKey;
}

export interface FoundKey {
  readonly owner: TokenKey;
  readonly key: Awaited<ReturnType<JWTVerifyGetKey>>;
}

/** There are no keys, or the one that is asked for may be in a set that can't be fetched now. */
export class KeySetUnavailable extends Error {
  override readonly name = 'KeySetUnavailable';
}

export class RemoteKeySet {
  readonly #url: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  #keys: readonly PublishedKey[] | undefined;
  #fetching: Promise<void> | undefined;
  #triedAtMs = -Infinity;
  #waiting = 0;
  /** The last fetch failed, and the log says so. */
  #failing = false;

  constructor(url: string, clock: Clock, log: Logger) {
    this.#url = url;
    this.#clock = clock;
    this.#log = log;
  }

  /** To be called now and then: fetches the set anew when it is old. Waits for nothing. */
  refresh(): void {
    if (this.#keys !== undefined && this.#isOlderThan(KEY_SET_MAX_AGE_MS)) void this.#fetch();
  }

  /** @throws KeySetUnavailable; JWKSNoMatchingKey, JWKSMultipleMatchingKeys and others of jose: the token is at fault. */
  async keyFor(header: JWTHeaderParameters): Promise<FoundKey> {
    this.refresh();
    const known = await this.#find(header);
    if (known !== undefined) return known;
    if (this.#fetching !== undefined || this.#isOlderThan(FETCH_PAUSE_MS)) await this.#waitForFetch();
    const found = await this.#find(header);
    if (found !== undefined) return found;
    if (this.#keys === undefined || this.#failing) throw new KeySetUnavailable('the key set can not be fetched');
    throw new errors.JWKSNoMatchingKey();
  }

  #isOlderThan(ageMs: number): boolean {
    return this.#clock.monotonicMs() - this.#triedAtMs >= (this.#failing ? RETRY_PAUSE_MS : ageMs);
  }

  async #waitForFetch(): Promise<void> {
    if (this.#waiting >= WAITING_MAX) throw new KeySetUnavailable('too many tokens wait for the key set');
    this.#waiting += 1;
    try {
      await this.#fetch();
    } finally {
      this.#waiting -= 1;
    }
  }

  async #find(header: JWTHeaderParameters): Promise<FoundKey | undefined> {
    let found: FoundKey | undefined;
    for (const published of this.#keys ?? []) {
      if (header.kid !== undefined && header.kid !== published.kid) continue;
      const key = await keyIn(published, header);
      if (key === undefined) continue;
      if (found !== undefined) throw new errors.JWKSMultipleMatchingKeys();
      found = { owner: published, key };
    }
    return found;
  }

  /** Never rejects. */
  #fetch(): Promise<void> {
    this.#fetching ??= this.#load().finally(() => (this.#fetching = undefined));
    return this.#fetching;
  }

  async #load(): Promise<void> {
    try {
      this.#replace(await fetchKeySet(this.#url));
      if (this.#failing) this.#log.info('the key set that verifies tokens is fetched again');
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) {
        const effect = this.#keys === undefined ? 'no token is accepted' : 'only tokens of known keys are accepted';
        this.#log.warn({ reason: messageOf(error) }, `the key set that verifies tokens can't be fetched: ${effect}`);
      }
      this.#failing = true;
    }
    this.#triedAtMs = this.#clock.monotonicMs();
  }

  /** A key that is the same as before stays the same object, and the tokens that it verified stay verified. */
  #replace(jwks: readonly JWK[]): void {
    const before = new Map((this.#keys ?? []).map((key) => [key.content, key]));
    const keys: PublishedKey[] = [];
    for (const jwk of jwks) {
      const content = canonicalJson(jwk);
      const key = before.get(content) ?? published(jwk, content);
      before.delete(content);
      keys.push(key);
    }
    for (const gone of before.values()) gone.isCurrent = false;
    this.#keys = keys;
  }
}

function published(jwk: JWK, content: string): PublishedKey {
  return { content, kid: jwk.kid, find: createLocalJWKSet({ keys: [jwk] }), isCurrent: true };
}

/** Undefined where this key is not the one, or is none that can be used. */
async function keyIn({ find }: PublishedKey, header: JWTHeaderParameters): Promise<FoundKey['key'] | undefined> {
  try {
    return await find(header, { payload: '', signature: '' });
  } catch {
    return undefined;
  }
}

/** @throws Error with a reason for the log; it never holds the address, which may carry a password. */
async function fetchKeySet(url: string): Promise<readonly JWK[]> {
  const response = await fetch(url, {
    headers: { accept: 'application/json, application/jwk-set+json' },
    redirect: 'manual',
    signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`its server answered ${response.status}`);
  }
  const parsed = KEY_SET.safeParse(await boundedJson(response));
  if (!parsed.success) throw new Error(`its server answered no JSON Web Key Set of at most ${KEYS_MAX} keys`);
  return parsed.data.keys as JWK[];
}

async function boundedJson({ body }: Response): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > KEY_SET_BYTES_MAX) throw new Error(`its server answered more than ${KEY_SET_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString()) as unknown;
  } catch {
    throw new Error('its server answered no JSON');
  }
}
