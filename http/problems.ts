/**
 * Owns what a problem is, and the table of those that any operation may end in: status and title of a code, and whether
 * the same request may be sent again. Every answer that is not a success is made from one. A kind of actor declares its
 * own beside its operations (defineProblem). Nothing below http/ knows a status.
 *
 * A problem never quotes what the client sent, beyond the name of a field: bodies may hold what must not be logged.
 */

/** What becomes of a command by message that ends in a problem, see messaging/commands/command-port.ts. */
export type MessageOutcome = 'refused' | 'retry' | 'not_yet' | 'invalid';

export interface ProblemKind {
  /** Stable, and unique. */
  readonly code: string;
  readonly status: number;
  readonly title: string;
  /** May the same request succeed later, unchanged? An unknown outcome is retryable only under an Idempotency-Key. */
  readonly retryable: boolean;
  /** Absent: no command by message ends in it. */
  readonly byMessage?: MessageOutcome;
}

/** A problem that only one kind of actor raises. The operations that may end in it list it. */
export function defineProblem(kind: ProblemKind): ProblemKind {
  return kind;
}

type Described = Omit<ProblemKind, 'code'>;

function final(status: number, title: string, byMessage?: MessageOutcome): Described {
  return { status, title, retryable: false, ...(byMessage !== undefined && { byMessage }) };
}

function passing(status: number, title: string, byMessage?: MessageOutcome): Described {
  return { ...final(status, title, byMessage), retryable: true };
}

const DESCRIBED = {
  validation_failed: final(400, 'The request is not valid', 'invalid'),
  malformed_json: final(400, 'The body is not valid JSON'),
  malformed_request: final(400, 'The request is not valid HTTP'),
  idempotency_key_invalid: final(400, 'The Idempotency-Key is not valid', 'refused'),
  unauthenticated: final(401, 'A valid token is required'),
  forbidden: final(403, 'This caller may not do that'),
  not_found: final(404, 'Not found', 'not_yet'),
  method_not_allowed: final(405, 'The method is not allowed here'),
  request_timeout: passing(408, 'The request took too long to come'),
  illegal_transition: final(409, 'The current state does not permit that', 'refused'),
  precondition_failed: final(412, 'The precondition does not hold'),
  payload_too_large: final(413, 'The body is too large'),
  unsupported_media_type: final(415, 'The media type is not supported'),
  expectation_failed: final(417, 'The expectation is not supported'),
  misdirected_request: final(421, 'Sent to the wrong host'),
  idempotency_mismatch: final(422, 'The Idempotency-Key belongs to another request', 'refused'),
  card_data_refused: final(422, 'Card numbers are refused', 'invalid'),
  rate_limited: passing(429, 'Too many requests'),
  header_fields_too_large: final(431, 'The headers are too large'),
  not_implemented: final(501, 'The transfer coding is not supported'),
  /** A defect of this program: answered with its request id, never with its cause. */
  internal: final(500, 'An unexpected error'),
  overloaded: passing(503, 'The service is overloaded', 'retry'),
  unavailable: passing(503, 'The service is not available now', 'retry'),
  outcome_unknown: final(504, 'The outcome is not known', 'retry'),
} as const satisfies Record<string, Described>;

export type ProblemCode = keyof typeof DESCRIBED;

export const PROBLEMS = Object.fromEntries(
  Object.entries(DESCRIBED).map(([code, described]) => [code, { code, ...described }]),
) as Readonly<Record<ProblemCode, ProblemKind>>;

/** A kind of problem, or the code of one that stands in the table. */
export type ProblemName = ProblemCode | ProblemKind;

export function problemKind(name: ProblemName): ProblemKind {
  return typeof name === 'string' ? PROBLEMS[name] : name;
}

/** One thing that is wrong with a request. */
export interface FieldError {
  /** JSON pointer (RFC 6901) into the body; for a query or path parameter its name after `?` or `:`. */
  readonly pointer: string;
  readonly code: string;
  readonly detail: string;
}

export interface ProblemDetails {
  readonly errors?: readonly FieldError[];
  /** Members of this problem alone: `from`, `allowed`, `orderId`. */
  readonly members?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sends Retry-After; at least 1. */
  readonly retryAfterSeconds?: number;
  /** Only where it differs from the table. */
  readonly retryable?: boolean;
  /** A record that can't be read is at fault, and the service is well. */
  readonly isOfOneRecord?: boolean;
}

/** A request that ends in an error of the contract. Thrown within the edge only, and answered by it. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly kind: ProblemKind;
  readonly details: ProblemDetails;

  /** @param detail a sentence for the caller: which part, what is wrong, what helps. */
  constructor(name: ProblemName, detail: string, details: ProblemDetails = {}) {
    super(detail);
    this.kind = problemKind(name);
    this.details = details;
  }

  get code(): string {
    return this.kind.code;
  }
}

/** The members that name one request. */
export interface ProblemContext {
  readonly requestId: string;
  /** The path, without its query; of a message its routing key. Absent where the request could not be read. */
  readonly instance?: string;
}

export interface ProblemDocument extends Readonly<Record<string, unknown>> {
  readonly code: string;
  readonly detail: string;
}

/** The problem document (RFC 9457). `type` resolves to the code's paragraph in the documentation page. */
export function problemDocument(problem: Problem, context: ProblemContext): ProblemDocument {
  const { code, status, title, retryable } = problem.kind;
  const { errors, members } = problem.details;
  return {
    type: `/docs#problem-${code}`,
    title,
    status,
    detail: problem.message,
    ...(context.instance !== undefined && { instance: context.instance }),
    code,
    requestId: context.requestId,
    retryable: problem.details.retryable ?? retryable,
    ...(errors !== undefined && errors.length > 0 && { errors }),
    ...members,
  };
}
