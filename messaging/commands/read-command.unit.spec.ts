import { expect } from 'chai';
import { commandMessage, ROUTING_KEYS } from '../../test/support/command-messages.ts';
import { COMMANDS_QUEUE } from '../rabbitmq/topology.ts';
import { readCommand, routingKeyOf, type FaultReason, type Message } from './read-command.ts';

/** The checks in their order: each message has the faults of all lines below it. */
const PRECEDENCE: readonly (readonly [FaultReason, Partial<Message>])[] = [
  ['unknown_type', { routingKey: 'order.ship.v1' }],
  ['unknown_version', { routingKey: 'order.place.v2' }],
  ['message_id_invalid', { messageId: 'é' }],
  ['sender_invalid', { appId: ' ' }],
  ['reply_to_refused', { replyTo: 'orders.commands' }],
  ['unsupported_media_type', { contentType: 'text/plain' }],
  ['payload_too_large', { body: Buffer.alloc(1024 * 1024 + 1, ' ') }],
];

describe('reading a command', () => {
  const reasonOf = (changes: Partial<Message>): string => {
    const read = readCommand(commandMessage(changes), ROUTING_KEYS);
    return read.kind === 'fault' ? read.reason : read.kind;
  };
  const commandOf = (changes: Partial<Message>) => {
    const read = readCommand(commandMessage(changes), ROUTING_KEYS);
    if (read.kind === 'fault') throw new Error(read.reason);
    return read.command;
  };

  it('takes routing key, message id, sender and body as they are', () => {
    const { body } = commandMessage();
    expect(commandOf({})).to.deep.equal({
      routingKey: 'order.cancel.v1',
      messageId: 'm-1',
      sender: { kind: 'app', name: 'shop' },
      body,
    });
  });

  it('knows commands by their routing keys, whatever they are about, and says which it knows', () => {
    const known = new Set(['shipment.label.book.v1', 'shipment.label.book.v2', 'order.place.v1']);
    const detailOf = (routingKey: string): string => {
      const read = readCommand(commandMessage({ routingKey }), known);
      return read.kind === 'fault' ? read.fault.detail : read.command.routingKey;
    };
    expect(detailOf('shipment.label.book.v2')).to.equal('shipment.label.book.v2');
    expect(detailOf('shipment.label.book.v3')).to.include('shipment.label.book is known here in version 1 and 2 alone');
    expect(detailOf('shipment.label.v1')).to.include(`known: ${[...known].join(', ')}`);
  });

  it('names the first fault in a fixed order', () => {
    PRECEDENCE.forEach(([reason], index) => {
      const faults = PRECEDENCE.slice(index).reverse();
      expect(reasonOf(Object.assign({}, ...faults.map(([, changes]) => changes)))).to.equal(reason);
    });
  });

  it('tells an unknown type from an unknown version', () => {
    for (const routingKey of [
      'order.ship.v1',
      'order.place',
      'order.place.v01',
      'order.place.1',
      'x',
      '',
      'orders.commands',
      'order.constructor.v1',
    ]) {
      expect(reasonOf({ routingKey })).to.equal('unknown_type');
    }
    for (const routingKey of ['order.place.v2', 'order.cancel.v10'])
      expect(reasonOf({ routingKey })).to.equal('unknown_version');
  });

  it('demands a message id of 1 to 255 printable ASCII characters', () => {
    for (const messageId of ['', '\n', 'é', 'a\u0000']) expect(reasonOf({ messageId })).to.equal('message_id_invalid');
    const { messageId: _, ...without } = commandMessage();
    expect(readCommand(without, ROUTING_KEYS)).to.include({ reason: 'message_id_invalid' });
    expect(commandOf({ messageId: 'x'.repeat(255) }).messageId).to.have.length(255);
  });

  it('takes the user whom the broker has checked before the name that the sender gives', () => {
    const checked = { userId: 'checked', headers: { 'x-user-id': 'copied' } };
    expect(commandOf(checked).sender).to.deep.equal({ kind: 'user', name: 'checked' });
    const returned = {
      exchange: '',
      routingKey: COMMANDS_QUEUE,
      headers: { 'x-user-id': 'copied', 'x-routing-key': 'order.cancel.v1' },
    };
    expect(commandOf({ ...returned, appId: 'app' }).sender).to.deep.equal({ kind: 'user', name: 'copied' });
    for (const appId of ['', ' ', ' a', 'a\u0000', '\u200b', 'x'.repeat(201)])
      expect(reasonOf({ appId })).to.equal('sender_invalid');
  });

  it('takes nobody at a header’s word: only copies of ours say there who sent them', () => {
    const forged = { appId: 'mallory', headers: { 'x-user-id': 'shop', 'x-routing-key': 'order.cancel.v1' } };
    expect(commandOf(forged).sender).to.deep.equal({ kind: 'app', name: 'mallory' });
    const byQueueName = { ...forged, exchange: 'orders.commands', routingKey: COMMANDS_QUEUE };
    expect(reasonOf(byQueueName), 'with the queue’s name, through the exchange').to.equal('unknown_type');
  });

  it('keeps for whom the sender acts, where it can be read', () => {
    expect(commandOf({ headers: { 'on-behalf-of': 'carol' } })).to.include({ onBehalfOf: 'carol' });
    expect(commandOf({ headers: { 'on-behalf-of': 'a\nb' } })).not.to.have.property('onBehalfOf');
    expect(commandOf({ headers: { 'on-behalf-of': { a: 1 } } })).not.to.have.property('onBehalfOf');
  });

  it('reads JSON, said to be so or not said to be anything', () => {
    const body = Buffer.from('{"a":1}');
    for (const contentType of ['application/json', 'application/json;charset="UTF8"', 'Application/JSON;']) {
      expect(commandOf({ contentType, body: Buffer.from('\ufeff{"a":1}') }).body).to.deep.equal({ a: 1 });
      expect(commandOf({ contentType, body }).body).to.deep.equal({ a: 1 });
    }
    const { contentType: _, ...untyped } = commandMessage({ body });
    expect(readCommand(untyped, ROUTING_KEYS)).to.have.nested.property('command.body').that.deep.equals({ a: 1 });
    expect(commandOf({ contentEncoding: 'utf-8', body }).body).to.deep.equal({ a: 1 });
    expect(reasonOf({ contentEncoding: 'gzip', body })).to.equal('unsupported_media_type');
    expect(reasonOf({ contentType: 'text/plain', body: '{"a":1}' })).to.equal('unsupported_media_type');
    for (const bad of ['', '{', '{"a":1', 'NaN'])
      expect(reasonOf({ body: Buffer.from(bad) })).to.equal('malformed_json');
    expect(reasonOf({ body: Buffer.from([0x22, 0xff, 0x22]) })).to.equal('malformed_json');
  });

  it('takes the trace that a message belongs to, and minds none that is no trace', () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    expect(commandOf({ headers: { traceparent } }).traceparent).to.equal(traceparent);
    expect(commandOf({ headers: { traceparent: 'mine' } })).not.to.have.property('traceparent');
  });

  it('refuses what would cost much to read, before it is read', () => {
    expect(reasonOf({ body: Buffer.from('['.repeat(1024 * 1024)) })).to.equal('too_deep');
    expect(reasonOf({ body: Buffer.from(`[${'1,'.repeat(500_000)}1]`) })).to.equal('too_many_values');
    expect(reasonOf({ body: Buffer.from('['.repeat(1024 * 1024 + 1)) })).to.equal('payload_too_large');
  });

  it('takes no card number for a name, and passes over one for whom the sender acts', () => {
    expect(reasonOf({ messageId: '4111-1111-1111-1111' })).to.equal('message_id_invalid');
    expect(reasonOf({ userId: '4111 1111 1111 1111' })).to.equal('sender_invalid');
    expect(commandOf({ headers: { 'on-behalf-of': '4111111111111111' } })).not.to.have.property('onBehalfOf');
  });

  it('never quotes the body in a fault', () => {
    const read = readCommand(commandMessage({ body: Buffer.from('4111111111111111 tok_secret') }), ROUTING_KEYS);
    expect(JSON.stringify(read)).not.to.match(/4111|tok_/);
  });

  it('finds the routing key of a message that came back by the name of the queue, and believes no other header', () => {
    const headers = { 'x-routing-key': 'order.place.v1' };
    expect(routingKeyOf(commandMessage({ exchange: '', routingKey: 'orders.commands', headers }))).to.equal(
      'order.place.v1',
    );
    expect(routingKeyOf(commandMessage({ headers }))).to.equal('order.cancel.v1');
  });
});
