import { expect } from 'chai';
import { CorruptionError } from '../kernel/errors.ts';
import { KINDS } from '../actors/index.ts';
import { decodeEvents, encodeEvents, type EventForms } from './event-codec.ts';

/** `Renamed` is in its third form: `name` became `title`, then got a `language`. */
const FORMS: EventForms = {
  Made: [],
  Renamed: [({ name, ...rest }) => ({ ...rest, title: name }), (stored) => ({ ...stored, language: 'en' })],
};
const event = (value: object) => value as { type: string };

describe('event codec', () => {
  it('gives back what was stored', () => {
    const events = [event({ type: 'Made', text: '"\\\u0000😀', nested: { list: [1, null] }, big: 2 ** 53 - 1 })];
    expect(decodeEvents(encodeEvents(events, FORMS), FORMS)).to.deep.equal(events);
  });

  it('writes no form while a type is in its first, and the current one from then on', () => {
    const text = encodeEvents([event({ type: 'Made' }), event({ type: 'Renamed', title: 'x', language: 'fr' })], FORMS);
    expect(JSON.parse(text)).to.deep.equal([{ type: 'Made' }, { type: 'Renamed', title: 'x', language: 'fr', v: 3 }]);
    expect(encodeEvents([event({ type: 'Made' })], FORMS)).to.equal('[{"type":"Made"}]');
  });

  for (const [name, stored] of [
    ['first', { type: 'Renamed', name: 'x' }],
    ['first, said', { type: 'Renamed', name: 'x', v: 1 }],
    ['second', { type: 'Renamed', title: 'x', v: 2 }],
    ['third', { type: 'Renamed', title: 'x', language: 'en', v: 3 }],
  ] as const) {
    it(`reads the ${name} form through every step that follows`, () => {
      const [read] = decodeEvents(JSON.stringify([stored]), FORMS);
      expect(read).to.include({ type: 'Renamed', title: 'x', language: 'en' });
      expect(read).not.to.have.property('name');
    });
  }

  for (const [name, text] of [
    ['no JSON', '[{'],
    ['nothing', ''],
    ['no array', '{"type":"Made"}'],
    ['an entry that is no object', '[1]'],
    ['an entry that is null', '[null]'],
    ['an event without a type', '[{}]'],
    ['a type that is no text', '[{"type":1}]'],
    ['an unknown type', '[{"type":"Eaten"}]'],
    ['a type that every object has', '[{"type":"constructor"}]'],
    ['a later form than this build knows', '[{"type":"Renamed","v":4}]'],
    ['a later form of a type in its first', '[{"type":"Made","v":2}]'],
    ['form 0', '[{"type":"Made","v":0}]'],
    ['a form that is no number', '[{"type":"Made","v":"1"}]'],
    ['a form between two', '[{"type":"Renamed","v":1.5}]'],
    ['a good event before a bad one', '[{"type":"Made"},{"type":"Eaten"}]'],
  ] as const) {
    it(`refuses ${name}`, () => {
      expect(() => decodeEvents(text, FORMS)).to.throw(CorruptionError);
    });
  }

  it('reads a row without events, which only binds a command id', () => {
    expect(decodeEvents('[]', FORMS)).to.deep.equal([]);
  });

  it('knows these names: a stored event of each can still be read', () => {
    const names = Object.fromEntries(KINDS.all.map(({ kind, events }) => [kind, Object.keys(events)]));
    expect(names['order']).to.include.members([
      'OrderCreated',
      'OrderPaymentPending',
      'OrderInventoryUnavailable',
      'OrderPaymentAuthorized',
      'OrderPaymentDeclined',
      'OrderConfirmed',
      'OrderPaymentCaptured',
      'OrderPaymentCaptureFailed',
      'OrderCancellationRequested',
      'OrderInventoryReleased',
      'OrderPaymentVoided',
      'OrderPaymentRefunded',
      'OrderCancelled',
    ]);
    expect(names['payment']).to.include.members([
      'AuthorizationStarted',
      'PaymentAuthorized',
      'PaymentCaptured',
      'PaymentRefunded',
    ]);
    expect(names['reservation']).to.include.members(['InventoryReserved', 'InventoryUnavailable', 'InventoryReleased']);
    expect(names['stock']).to.include.members([
      'StockSet',
      'StockHeld',
      'StockReleased',
      'StockHoldBarred',
      'LowStockReached',
    ]);
  });
});
