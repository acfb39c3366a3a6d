import { once } from 'node:events';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { expect } from 'chai';
import { systemClock } from '../kernel/clock.ts';
import { ClientGone, createBodyReader } from './body.ts';
import { DEFAULT_LIMITS } from './edge-deps.ts';
import { UnfinishedBodies, UNLIMITED_SLOTS } from './unfinished-bodies.ts';

describe('the body reader', () => {
  it('gives up at once on a client that went away before its body was read', async () => {
    const request = new IncomingMessage(new Socket());
    request.headers['content-length'] = '10';
    request.headers['content-type'] = 'application/json';
    request.destroy();
    await once(request, 'close');
    const unfinished = new UnfinishedBodies(systemClock, UNLIMITED_SLOTS, DEFAULT_LIMITS.unfinishedBodies);
    const reader = createBodyReader({ bodyBytesMax: 100, bufferedBytesMax: 100 }, unfinished);
    const outcome = await reader
      .readJson(request, { sub: 'alice', role: 'customer', issuer: '', customerId: 'alice' })
      .catch((error: unknown) => error);
    expect(outcome).to.be.instanceOf(ClientGone);
  });
});
