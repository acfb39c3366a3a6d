/** A kind brings its public events with it: the documents and the messages take them from its definition alone. */
import { expect } from 'chai';
import { z } from 'zod';
import { ACTORS } from '../../actors/index.ts';
import { CorruptionError } from '../../kernel/errors.ts';
import { testOrigin } from '../../test/support/message-origin.ts';
import { asyncApiDocument } from './async-api.ts';
import { contractFiles } from './contract-files.ts';
import { publishedSchemaTexts } from './json-schemas.ts';
import { PublicEventCatalogue } from './public-event-catalogue.ts';
import { PRIVATE, published, publishedBy, type PublicEvent, type PublicEvents } from './public-event-definition.ts';
import { PublicMessages } from './public-message.ts';

type ShipmentEvent =
  | { readonly type: 'ShipmentBooked'; readonly carrier: string }
  | { readonly type: 'ShipmentClosed'; readonly why: 'delivered' | 'lost' }
  | { readonly type: 'LabelRequested' };
type Closed = Extract<ShipmentEvent, { readonly type: 'ShipmentClosed' }>;

const sample = { entityId: 'shp_1', version: 1, seq: 1, commandId: 'book' };
const delivered: PublicEvent<Closed> = published('shipment.delivered.v1', {
  when: 'It has arrived.',
  schema: z.strictObject({}),
  data: () => ({}),
  sample: { ...sample, event: { type: 'ShipmentClosed', why: 'delivered' } },
});
const shipmentEvents: PublicEvents<ShipmentEvent> = {
  correlationId: 'routing key',
  events: {
    ShipmentBooked: published('shipment.booked.v1', {
      when: 'A carrier has taken the booking.',
      schema: z.strictObject({ shipmentId: z.string(), carrier: z.string() }),
      data: ({ carrier }, shipmentId) => ({ shipmentId, carrier }),
      sample: { ...sample, event: { type: 'ShipmentBooked', carrier: 'ups' } },
    }),
    ShipmentClosed: publishedBy<Closed, 'why'>('why', { delivered, lost: PRIVATE }),
    LabelRequested: PRIVATE,
  },
};
const shipment = { kind: 'shipment', publicEvents: shipmentEvents };

describe('the public events of a kind from outside', () => {
  const catalogue = new PublicEventCatalogue([...ACTORS, shipment]);
  const types = ['shipment.booked.v1', 'shipment.delivered.v1'];
  const messages = new PublicMessages(catalogue, testOrigin());
  const place = { entityId: 'shp_1', version: 1, shard: 1, seq: 1, epoch: 1, ordinal: 0, at: 0, commandId: 'c' };
  const messageOf = (event: ShipmentEvent) => messages.messageOf({ ...place, event });

  it('come behind those of the other kinds, in the AsyncAPI document, the schemas and the samples', () => {
    expect(catalogue.types.slice(-2)).to.deep.equal(types);
    const document = asyncApiDocument(catalogue, []);
    expect(document['channels']).to.include.all.keys(types);
    expect(document['operations']).to.include.all.keys(types.map((type) => `send.${type}`));
    expect([...publishedSchemaTexts(catalogue).keys()]).to.include.members(types);
    const files = contractFiles(catalogue, document);
    for (const type of types) expect(files).to.include.all.keys(`${type}.schema.json`, `samples/${type}.json`);
    expect(files.get('samples/shipment.booked.v1.json')).to.include('"carrier": "ups"');
  });

  it('make messages, correlated as their kind says', () => {
    const message = messageOf({ type: 'ShipmentBooked', carrier: 'dhl' });
    expect(message).to.include({ routingKey: 'shipment.booked.v1', correlationId: '1' });
    expect(message?.body).to.equal('{"shipmentId":"shp_1","carrier":"dhl"}');
    const alone = new PublicEventCatalogue([
      { kind: 'shipment', publicEvents: { ...shipmentEvents, correlationId: 'none' } },
    ]);
    const event = { type: 'ShipmentBooked', carrier: 'dhl' };
    expect(new PublicMessages(alone, testOrigin()).messageOf({ ...place, event })).not.to.have.property(
      'correlationId',
    );
  });

  it('are published or private by one member, where the definition says so, and never by a guess', () => {
    expect(messageOf({ type: 'ShipmentClosed', why: 'delivered' })?.routingKey).to.equal('shipment.delivered.v1');
    expect(messageOf({ type: 'ShipmentClosed', why: 'lost' })).to.equal(undefined);
    expect(messageOf({ type: 'LabelRequested' })).to.equal(undefined);
    for (const why of ['stolen', 'constructor', undefined])
      expect(() => messageOf({ type: 'ShipmentClosed', why } as never)).to.throw(CorruptionError, 'unknown why');
  });

  it('are refused where another kind publishes the same routing key', () => {
    const parcel = { kind: 'parcel', publicEvents: { ...shipmentEvents, events: { ParcelClosed: delivered } } };
    expect(() => new PublicEventCatalogue([shipment, parcel])).to.throw(
      'shipment and parcel both publish shipment.delivered.v1',
    );
  });

  it('are refused where another kind has a journal event of the same type, private or not', () => {
    const parcel = {
      kind: 'parcel',
      publicEvents: { ...shipmentEvents, events: { LabelRequested: PRIVATE } },
    } as const;
    expect(() => new PublicEventCatalogue([shipment, parcel])).to.throw(
      'shipment and parcel both have a journal event LabelRequested',
    );
  });
});
