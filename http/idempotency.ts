/**
 * Owns what becomes of an `Idempotency-Key`: names that come out the same each time. A key belongs to its caller
 * (issuer and sub) and, except where it makes an entity, to one method and path. Nothing is stored here: the entity that
 * the command goes to remembers it. A key whose command goes to several entities is remembered by one of its own, see
 * claim-id.ts.
 */
import type { IncomingMessage } from 'node:http';
import { uuidV5, uuidV7 } from '../kernel/ids.ts';
import { canonicalJson } from '../kernel/canonical-json.ts';
import { sha256 } from '../kernel/sha256.ts';
import type { Sender } from '../messaging/commands/sender.ts';
import type { EpochMs } from '../kernel/clock.ts';
import type { Principal } from './authenticator.ts';
import type { Precondition } from '../runtime/precondition.ts';
import { Problem } from './problems.ts';

const PRINTABLE_ASCII = /^[ -~]{1,255}$/;

/** @throws Problem idempotency_key_invalid. */
export function idempotencyKeyOf(req: Pick<IncomingMessage, 'headers' | 'headersDistinct'>): string | undefined {
  const key = req.headers['idempotency-key'];
  if (key === undefined) return undefined;
  const twice = key.includes(',') && (req.headersDistinct['idempotency-key']?.length ?? 1) > 1;
  if (twice || typeof key !== 'string' || !PRINTABLE_ASCII.test(key)) {
    const detail = 'Idempotency-Key must be sent once, with 1 to 255 printable ASCII characters.';
    throw new Problem('idempotency_key_invalid', detail);
  }
  return key;
}

/** The UUID of what a request makes under a key: the same each time. */
export function idOfKey(namespace: string, { issuer, sub }: Principal, key: string): string {
  return uuidV5(namespace, JSON.stringify([issuer, sub, key]));
}

export interface CommandName {
  readonly commandId: string;
  /** Given only under a key: the entity remembers what was sent with it. */
  readonly fingerprint?: string;
}

/** Of a command whose sender may send it again. */
export type KeyedCommandName = Required<CommandName>;

/** @param target method and path that the key is good for. @param body as parsed. */
export function commandNameOfKey(
  namespace: string,
  { issuer, sub }: Principal,
  target: string,
  key: string,
  body: unknown,
): KeyedCommandName {
  const commandId = `idem/${uuidV5(namespace, JSON.stringify([issuer, sub, target, key]))}`;
  return { commandId, fingerprint: sha256(canonicalJson(body)) };
}

/** The id under which a key of a request to several entities is remembered. */
export function claimIdOfKey(namespace: string, { issuer, sub }: Principal, target: string, key: string): string {
  return uuidV5(namespace, JSON.stringify([issuer, sub, target, key]));
}

/**
 * The UUID of what a message makes: the same each time. Two members where HTTP's names have three or four, so no caller
 * of the one can name what belongs to the other.
 */
export function idOfMessage(namespace: string, sender: Sender, messageId: string): string {
  return uuidV5(namespace, JSON.stringify([namespaceOf(sender), messageId]));
}

/** @param target the command and its entity: a message id used for another one is found out. @param body as parsed. */
export function commandNameOfMessage(
  namespace: string,
  sender: Sender,
  messageId: string,
  target: string,
  body: unknown,
): KeyedCommandName {
  const commandId = `amqp/${uuidV5(namespace, JSON.stringify([namespaceOf(sender), messageId]))}`;
  return { commandId, fingerprint: sha256(canonicalJson([target, body])) };
}

/** No text for an app: whatever it calls itself, a user's name is another value. */
function namespaceOf({ kind, name }: Sender): unknown {
  return kind === 'user' ? name : { app: name };
}

/**
 * A command that only this request repeats, where an answer is lost on its way. With a condition it must be recognised
 * then: applied, it has made a version that its own condition refuses.
 */
export function commandNameOf(nowMs: EpochMs, condition?: Precondition): CommandName {
  const commandId = `http/${uuidV7(nowMs)}`;
  return condition === undefined ? { commandId } : { commandId, fingerprint: '' };
}
