/**
 * Whose fault a failed statement is. The one question behind every retry: would the same statement succeed later
 * (an outage, a conflict with another session), or is something in it refused for good?
 */
import { messageOf } from '../../kernel/errors.ts';
import { sqlStateOf } from './connection.ts';

export type Fault =
  /** A value that the statement carries: the server read it and refused it, or it could not even be encoded. */
  | 'values'
  /** Another session; nothing was done, and the same statement may succeed at once. */
  | 'contention'
  /** The server's answer, and no passing state of it: a row, or the statement as a whole. */
  | 'statement'
  /** The connection, the server or its machine: what became of the statement may be unknown. */
  | 'outage';

/** A value that has no binary form: a bug of ours, or of who let it in. Thrown before anything is sent. */
class EncodingError extends Error {
  override readonly name = 'EncodingError';
}

/** @throws EncodingError for whatever goes wrong in `encode`: nothing that fails before sending is an outage. */
export function encoded<Value>(encode: () => Value): Value {
  try {
    return encode();
  } catch (error) {
    throw new EncodingError(`it can't be encoded: ${messageOf(error)}`, { cause: error });
  }
}

/** Data exception, integrity violation, program limit exceeded. */
const VALUES = new Set(['22', '23', '54']);
/** What the server says of a message that it can't parse. A pooler says it of lost connections, as FATAL. */
const PROTOCOL_VIOLATION = '08P01';
/** Lock not available, deadlock, serialization failure. */
const CONTENTION = new Set(['55P03', '40P01', '40001']);
/** Connection, read-only or aborted transaction, authorization, catalogue, resources, object state, operator, system. */
const OUTAGE = new Set(['08', '25', '28', '3D', '40', '53', '55', '57', '58']);

export function faultOf(error: unknown): Fault {
  if (error instanceof EncodingError) return 'values';
  const sqlState = sqlStateOf(error);
  if (sqlState === undefined) return 'outage';
  const { severity } = error as { severity?: unknown }; // in the server's language; where it matters it is a pooler's
  const isError = severity !== 'FATAL' && severity !== 'PANIC';
  const sqlClass = sqlState.slice(0, 2);
  if (VALUES.has(sqlClass) || (sqlState === PROTOCOL_VIOLATION && isError)) return 'values';
  if (CONTENTION.has(sqlState)) return 'contention';
  return isError && !OUTAGE.has(sqlClass) ? 'statement' : 'outage';
}
