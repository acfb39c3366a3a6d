import { once } from 'node:events';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { expect } from 'chai';
import { ClientGone, createBodyReader } from './body.ts';

describe('the body reader', () => {
  it('gives up at once on a client that went away before its body was read', async () => {
    const request = new IncomingMessage(new Socket());
    request.headers['content-length'] = '10';
    request.headers['content-type'] = 'application/json';
    request.destroy();
    await once(request, 'close');
    const reader = createBodyReader({ bodyBytesMax: 100, bufferedBytesMax: 100 });
    const outcome = await reader.readJson(request).catch((error: unknown) => error);
    expect(outcome).to.be.instanceOf(ClientGone);
  });
});
