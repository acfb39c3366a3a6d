/**
 * Owns the form of an answer: handlers return one as a value, and one place writes it to the socket. Must never be
 * given anything that is not meant for the client.
 */
import { problemDocument, PROBLEMS, type Problem, type ProblemContext } from './problems.ts';

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Complete text; absent for 304 and the like. */
  readonly body?: string;
}

const JSON_TYPE = 'application/json';
const PROBLEM_TYPE = 'application/problem+json';

/** An answer with a JSON body; `headers` may replace the content type. */
export function json(status: number, value: unknown, headers?: Readonly<Record<string, string>>): Reply {
  return { status, headers: { 'Content-Type': JSON_TYPE, ...headers }, body: JSON.stringify(value) };
}

export function problemReply(problem: Problem, context: ProblemContext): Reply {
  const { headers, retryAfterSeconds } = problem.details;
  return {
    status: PROBLEMS[problem.code].status,
    headers: {
      'Content-Type': PROBLEM_TYPE,
      ...headers,
      ...(retryAfterSeconds !== undefined && { 'Retry-After': String(Math.max(1, Math.ceil(retryAfterSeconds))) }),
    },
    body: JSON.stringify(problemDocument(problem, context)),
  };
}
