/**
 * A real HTTP server around the edge, over fake actors and a clock that stands still: what a client sees, without a
 * database.
 */
import { reservationTtlSeconds } from '../../actors/order/settings.ts';
import type { Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { SignJWT } from 'jose';
import pino from 'pino';
import type { ComposedActors } from '../../actors/compose-actors.ts';
import { SHOP } from '../../actors/index.ts';
import { createEdge, type Edge } from '../../http/edge.ts';
import type { EdgeDeps } from '../../http/edge-deps.ts';
import { createHttpServer } from '../../http/http-server.ts';
import { LeavingAnswers } from '../../http/leaving-answers.ts';
import { describedAnswers } from './described-answers.ts';
import { FakeActors } from './fake-actors.ts';
import { HeldClock } from './manual-clock.ts';
import { waitUntil } from './wait-until.ts';

export const TEST_SECRET = 'a secret for tests that is long enough to be one';

export interface TestRequest {
  readonly method?: string;
  /** A token, or null for none. Default: customer alice. */
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is. */
  readonly raw?: string | Uint8Array;
}

export interface TestReply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The parsed body, or undefined. */
  readonly body: Readonly<Record<string, unknown>>;
}

export interface EdgeHarness {
  readonly edge: Edge;
  readonly server: Server;
  readonly actors: FakeActors;
  readonly clock: HeldClock;
  readonly leaving: LeavingAnswers;
  /** Lines of the log, as JSON text. */
  readonly logged: string[];
  readonly port: number;
  readonly tokens: { readonly alice: string; readonly bob: string; readonly support: string; readonly admin: string };
  send(path: string, request?: TestRequest): Promise<TestReply>;
  /** Sends a request line that no well-behaved client sends. @returns the answer as it came. */
  sendLine(requestLine: string): Promise<string>;
  /** Sends these bytes on a connection of their own. @returns what came until the server closed it. */
  sendBytes(bytes: string): Promise<string>;
  close(): Promise<void>;
}

export function signToken(
  claims: Readonly<Record<string, unknown>>,
  nowMs: number,
  secret = TEST_SECRET,
  alg = 'HS256',
): Promise<string> {
  const seconds = Math.floor(nowMs / 1000);
  return new SignJWT({ exp: seconds + 3600, ...claims })
    .setProtectedHeader({ alg })
    .sign(new TextEncoder().encode(secret));
}

/** @param composed the kinds of actors behind it. */
export async function startEdge(
  overrides: Partial<EdgeDeps> = {},
  composed: ComposedActors = SHOP,
): Promise<EdgeHarness> {
  const clock = new HeldClock();
  const actors = new FakeActors(clock, composed.kinds);
  const logged: string[] = [];
  const leaving = overrides.leaving ?? new LeavingAnswers(clock);
  const edge = createEdge(composed, {
    leaving,
    actors,
    views: actors.views,
    histories: actors.histories,
    claims: composed.claims,
    clock,
    log: pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) }),
    auth: { jwtSecret: TEST_SECRET },
    idempotencyNamespace: '6ba7b810-9dad-41d1-80b4-00c04fd430c8',
    shards: 128,
    rateLimiter: undefined,
    settings: { [reservationTtlSeconds.name]: 900 },
    health: {
      live: () => ({ healthy: true, checks: {} }),
      ready: () => Promise.resolve({ healthy: true, checks: { database: { status: 'up' } } }),
    },
    version: '0.0.0-test',
    ...overrides,
  });
  const requireDescribed = describedAnswers(edge.operations);
  const server = createHttpServer(edge.handler, leaving);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const now = clock.nowMs();
  const tokens = {
    alice: await signToken({ sub: 'alice', role: 'customer' }, now),
    bob: await signToken({ sub: 'bob', role: 'customer' }, now),
    support: await signToken({ sub: 'sam', role: 'support' }, now),
    admin: await signToken({ sub: 'ada', role: 'admin' }, now),
  };

  async function send(path: string, request: TestRequest = {}): Promise<TestReply> {
    const { method = 'GET', token = tokens.alice, headers, json, raw } = request;
    const body = json === undefined ? raw : JSON.stringify(json);
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        ...(token !== null && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: body as string }),
    });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    const reply = {
      status: response.status,
      headers: response.headers,
      text,
      body: (isJson && text !== '' ? JSON.parse(text) : {}) as TestReply['body'],
    };
    requireDescribed(method, path, reply);
    return reply;
  }

  const sendLine = (requestLine: string): Promise<string> =>
    sendBytes(`${requestLine} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);

  async function sendBytes(bytes: string): Promise<string> {
    const socket = connect(port, '127.0.0.1');
    socket.write(bytes);
    let received = '';
    for await (const chunk of socket) received += (chunk as Buffer).toString('latin1');
    return received;
  }

  return {
    edge,
    server,
    actors,
    clock,
    leaving,
    logged,
    port,
    tokens,
    send,
    sendLine,
    sendBytes,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
        leaving.stop();
      }),
  };
}

/** A good body of two lines; `changes` replace its members. */
export function orderBody(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    orderLines: [
      { productId: 'P1', quantity: 2, unitPrice: { amount: 255, currency: 'GBP' } },
      { productId: 'P2', quantity: 1, unitPrice: { amount: 100, currency: 'GBP' } },
    ],
    shippingAddress: { street: '1 High Street', city: 'Leeds', state: '', postalCode: 'LS1 1AA', country: 'GB' },
    paymentMethod: { type: 'card', token: 'tok_visa' },
    ...changes,
  };
}

/** Runs a test against an edge of its own. */
export async function withEdge(overrides: Partial<EdgeDeps>, run: (edge: EdgeHarness) => Promise<void>): Promise<void> {
  const edge = await startEdge(overrides);
  try {
    await run(edge);
  } finally {
    await edge.close();
  }
}

/** Waits for a condition that others bring about. @throws Error when it does not come about in time. */
export function until(condition: () => boolean): Promise<void> {
  return waitUntil(`it holds: ${condition.toString()}`, condition);
}
