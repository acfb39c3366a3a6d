/**
 * One HTTP exchange, and what its end says about the effect. Only a connection that was refused before a byte was sent,
 * or a status that promises it, counts as "nothing was applied".
 */
import { Agent, request } from 'node:http';
import type { Outcome } from './history.ts';

/** Longer than a node takes to notice that its database is gone. */
const TIMEOUT_MS = 25_000;

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  readonly token: string;
  readonly body?: unknown;
  readonly key?: string;
  readonly waitSeconds?: number;
}

export type Reply =
  | { readonly kind: 'answer'; readonly status: number; readonly body: unknown }
  | { readonly kind: 'refused' }
  | { readonly kind: 'lost'; readonly reason: string };

export function outcomeOf(reply: Reply): Outcome {
  if (reply.kind === 'refused') return 'failed';
  if (reply.kind === 'lost') return 'unknown';
  const { status } = reply;
  if (status >= 200 && status < 300) return 'ok';
  return (status >= 400 && status < 500) || status === 503 ? 'failed' : 'unknown';
}

export class HttpClient {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: Infinity });

  send(port: number, call: Call): Promise<Reply> {
    return new Promise((resolve) => {
      const body = call.body === undefined ? undefined : JSON.stringify(call.body);
      const headers = {
        authorization: `Bearer ${call.token}`,
        ...(body !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
        ...(call.key !== undefined && { 'idempotency-key': call.key }),
        ...(call.waitSeconds !== undefined && { prefer: `wait=${call.waitSeconds}` }),
      };
      const { method, path } = call;
      const sent = request({ host: '127.0.0.1', port, method, path, headers, agent: this.#agent }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.once('end', () => settle({ kind: 'answer', status: response.statusCode!, body: parsed(text) }));
        response.once('error', (error) => settle({ kind: 'lost', reason: error.message }));
      });
      const timer = setTimeout(() => sent.destroy(new Error('no answer in time')), TIMEOUT_MS);
      const settle = (reply: Reply): void => {
        clearTimeout(timer);
        resolve(reply);
      };
      sent.once('error', (error: NodeJS.ErrnoException) => {
        settle(error.code === 'ECONNREFUSED' ? { kind: 'refused' } : { kind: 'lost', reason: error.message });
      });
      // After an answer that breaks off, only 'close' comes.
      sent.once('close', () => settle({ kind: 'lost', reason: 'the connection was closed' }));
      sent.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
