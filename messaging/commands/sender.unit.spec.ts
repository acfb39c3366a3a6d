/** Who is believed to have sent a command, and where that sender may be answered. */
import { expect } from 'chai';
import { COMMANDS_EXCHANGE, COMMANDS_QUEUE, ordersTopology } from '../rabbitmq/topology.ts';
import { isOwnCopy, isOwnReplyTo, senderOf, type Sender } from './sender.ts';

const SHOP: Sender = { kind: 'user', name: 'shop' };
const APP: Sender = { kind: 'app', name: 'shop' };
const DIRECT = 'amq.rabbitmq.reply-to.g1h2AAdyZXBseQ.xyz==';

describe('the sender of a command', () => {
  it('is answered in queues of its verified name, and by direct reply-to', () => {
    for (const queue of ['shop.replies.1', 'shop.replies.0b1f-4_A', `shop.replies.${'x'.repeat(128)}`, DIRECT])
      expect(isOwnReplyTo(queue, SHOP), queue).to.equal(true);
    expect(isOwnReplyTo('a b+c.replies.1', { kind: 'user', name: 'a b+c' }), 'a name is no pattern').to.equal(true);
  });

  it('is answered nowhere else: not in a queue of the node, of the broker, or of another integrator', () => {
    const { queues } = ordersTopology();
    const others = [
      ...queues.map(({ name }) => name),
      'holdfast.node.1',
      'shop',
      'shop.',
      'shop.replies',
      'shop.replies.',
      'shop.events',
      'shop.replies.eu.1',
      'shop.replies.replies.1',
      'shop.replies.1 ',
      'shop.replies.1\n',
      'shopping.replies.1',
      'xshop.replies.1',
      'Shop.replies.1',
      'other.replies.1',
      'amq.gen-JzTY20BRgKO',
      'amq.rabbitmq.reply-to',
      'amq.rabbitmq.reply-to.',
      'amq.rabbitmq.reply-to.a b',
      ` ${DIRECT}`,
      `shop.replies.${'x'.repeat(129)}`,
    ];
    for (const queue of others) expect(isOwnReplyTo(queue, SHOP), queue).to.equal(false);
    expect(isOwnReplyTo('axc.replies.1', { kind: 'user', name: 'a.c' }), 'a name is no pattern').to.equal(false);
  });

  it('has no queue by a name that only it says: direct reply-to is left', () => {
    expect(isOwnReplyTo('shop.replies.1', APP)).to.equal(false);
    expect(isOwnReplyTo('shop.replies.1', undefined)).to.equal(false);
    expect([isOwnReplyTo(DIRECT, APP), isOwnReplyTo(DIRECT, undefined)]).to.deep.equal([true, true]);
  });

  it('keeps the verified name before what a copy or the sender says; an unreadable one is nobody', () => {
    const copy = { exchange: '', routingKey: COMMANDS_QUEUE, headers: { 'x-user-id': 'copied' } };
    expect(senderOf({ ...copy, userId: 'shop' })).to.deep.equal(SHOP);
    expect(senderOf({ ...copy, appId: 'app' })).to.deep.equal({ kind: 'user', name: 'copied' });
    expect(senderOf({ ...copy, exchange: COMMANDS_EXCHANGE, appId: 'shop' })).to.deep.equal(APP);
    for (const forged of [1, '', ' ', { a: 1 }, 'a\u0000'])
      expect(senderOf({ ...copy, headers: { 'x-user-id': forged }, appId: 'app' })).to.equal(undefined);
  });

  it('made no copy that came through an exchange of any other name', () => {
    expect(isOwnCopy({ exchange: '', routingKey: COMMANDS_QUEUE })).to.equal(true);
    for (const exchange of [COMMANDS_EXCHANGE, 'amq.topic', 'orders.dlx', 'shop'])
      expect(isOwnCopy({ exchange, routingKey: COMMANDS_QUEUE }), exchange).to.equal(false);
    expect(isOwnCopy({ exchange: '', routingKey: 'order.place.v1' })).to.equal(false);
  });
});
