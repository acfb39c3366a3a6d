import { expect } from 'chai';
import { commandMessage } from '../../test/support/command-messages.ts';
import { bodyBytesOf, copyOf } from './message-copy.ts';
import { OWN_HEADERS } from './own-headers.ts';

describe('a copy of a message', () => {
  it('keeps who sent it, what it is and who waits for an answer', () => {
    const kept = { correlationId: 'c', replyTo: 'q', timestamp: 5, type: 't', contentEncoding: 'utf-8' };
    const copy = copyOf(commandMessage({ ...kept, headers: { traceparent: 'p' } }), { 'x-attempts': 1 });
    expect(copy).to.deep.equal({
      ...kept,
      appId: 'shop',
      contentType: 'application/json',
      messageId: 'm-1',
      headers: { traceparent: 'p', 'x-attempts': 1 },
      durable: true,
    });
  });

  it('leaves out what would make it vanish, be refused, or be taken for a loop', () => {
    const headers = {
      'x-death': [{ queue: 'orders.commands', reason: 'delivery_limit' }],
      'x-first-death-queue': 'q',
      'x-last-death-reason': 'r',
      'x-delivery-count': 3,
      CC: ['a'],
      BCC: ['b'],
      mine: 1,
    };
    const copy = copyOf(commandMessage({ userId: 'u', expiration: '5', priority: 1, headers }), {}, ['mine']);
    expect(copy).to.not.have.any.keys('userId', 'expiration', 'priority', 'exchange', 'routingKey');
    expect(copy.headers).to.deep.equal({ 'x-user-id': 'u' });
  });

  it('carries a sender’s name on from copies of ours alone', () => {
    const headers = { 'x-user-id': 'shop' };
    expect(copyOf(commandMessage({ headers }), {}).headers).to.deep.equal({});
    expect(copyOf(commandMessage({ headers, exchange: '', routingKey: 'orders.commands' }), {}).headers).to.deep.equal(
      headers,
    );
    expect(copyOf(commandMessage({ headers }), {}, [], true).headers).to.deep.equal(headers);
    const imitation = commandMessage({ headers, routingKey: 'orders.commands' });
    expect(copyOf(imitation, {}).headers, 'through the exchange').to.deep.equal({});
  });

  it('copies none of the node’s own headers from a sender', () => {
    const forged = Object.fromEntries(OWN_HEADERS.map((name) => [name, 'forged']));
    expect(copyOf(commandMessage({ headers: { ...forged, mine: 1 } }), {}).headers).to.deep.equal({ mine: 1 });
  });

  it('has the same body, whatever the client library made of it', () => {
    const bytes = (body: unknown, contentType = 'application/json'): string =>
      bodyBytesOf(commandMessage({ body, contentType })).toString();
    expect(bytes({ a: [1, null] })).to.equal('{"a":[1,null]}');
    expect(bytes('text')).to.equal('"text"');
    expect(bytes('text', 'text/plain')).to.equal('text');
    expect(bytes(null)).to.equal('null');
    expect(bytes(Buffer.from('{ "a":'))).to.equal('{ "a":');
  });
});
