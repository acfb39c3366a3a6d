/** Owns the writing of an answer to the socket, with the headers that every answer has. */
import type { ServerResponse } from 'node:http';
import type { Reply } from './reply.ts';

/**
 * Answers are data for one caller: not to be kept unless they say so, and not to be guessed at.
 *
 * The headers go out as one flat list: on the way of every answer, objects to merge cost more than the rest of this.
 */
export function writeReply(
  res: ServerResponse,
  { status, headers, body }: Reply,
  requestId: string,
  isHead: boolean,
  limitHeaders: Readonly<Record<string, string>> | undefined,
): void {
  const list: (string | number)[] = ['Request-Id', requestId, 'X-Content-Type-Options', 'nosniff'];
  if (headers['Cache-Control'] === undefined) list.push('Cache-Control', 'no-store');
  for (const name in headers) list.push(name, headers[name] ?? '');
  if (limitHeaders !== undefined) for (const name in limitHeaders) list.push(name, limitHeaders[name] ?? '');
  if (body !== undefined) list.push('Content-Length', Buffer.byteLength(body));
  res.writeHead(status, list as string[]);
  res.end(isHead ? undefined : body);
}
