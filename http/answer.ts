/**
 * Owns how an answer gets into Koa's context: its body as a text that is made once, here, where a failure to make it
 * still becomes an answer, and Koa knows its length. Must never be given anything that is not meant for the client.
 */
import type { PublicContext } from './edge-context.ts';
import { problemDocument, type Problem } from './problems.ts';

/** Without a charset: JSON is UTF-8 (RFC 8259). Koa's own `type` would add one. */
const JSON_HEADERS = { 'Content-Type': 'application/json' };
export const PROBLEM_TYPE = 'application/problem+json';

type AnyContext = Pick<PublicContext, 'body' | 'res' | 'state' | 'status' | 'url'>;

/** Koa's own `set` makes half a dozen arrays a header, to the same end. */
export function setHeaders({ res }: Pick<AnyContext, 'res'>, headers: Readonly<Record<string, string>>): void {
  if (res.headersSent) return;
  for (const name in headers) res.setHeader(name, headers[name]!);
}

/** @param text JSON. */
export function answerJsonText(
  ctx: AnyContext,
  status: number,
  text: string,
  headers?: Readonly<Record<string, string>>,
): void {
  ctx.status = status;
  setHeaders(ctx, JSON_HEADERS);
  if (headers) setHeaders(ctx, headers);
  ctx.body = text;
}

export function answerJson(
  ctx: AnyContext,
  status: number,
  value: unknown,
  headers?: Readonly<Record<string, string>>,
): void {
  answerJsonText(ctx, status, JSON.stringify(value), headers);
}

export function answerProblem(ctx: AnyContext, problem: Problem): void {
  const { headers, retryAfterSeconds } = problem.details;
  const document = problemDocument(problem, { requestId: ctx.state.requestId, instance: instanceOf(ctx.url) });
  answerJsonText(ctx, problem.kind.status, JSON.stringify(document), {
    'Content-Type': PROBLEM_TYPE,
    ...headers,
    ...(retryAfterSeconds !== undefined && { 'Retry-After': String(Math.max(1, Math.ceil(retryAfterSeconds))) }),
  });
}

/** Answers are data for one caller: not to be kept unless they say so, and not to be guessed at. */
export function headersOfEveryAnswer(requestId: string) {
  return { 'Request-Id': requestId, 'X-Content-Type-Options': 'nosniff', 'Cache-Control': 'no-store' };
}

/** Longer than any address that leads to something. */
const INSTANCE_LENGTH_MAX = 1_000;

/** The address as it was sent, without its query, cut where it is very long. Not `ctx.path`: that throws where there is no path to be found. */
export function instanceOf(url: string): string {
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  return path.length > INSTANCE_LENGTH_MAX ? `${path.slice(0, INSTANCE_LENGTH_MAX)}…` : path;
}
