/** Where messages come from: what the CloudEvents SDK takes, and ids that stay while incarnations come. */
import { expect } from 'chai';
import { CloudEvent } from 'cloudevents';
import { PUBLIC_EVENTS } from '../../actors/index.ts';
import { journaledSample, testMessages, testOrigin } from '../../test/support/message-origin.ts';
import type { PublicMessage } from './public-message.ts';
import { MessageOrigin } from './message-origin.ts';

const incarnation = (number: number, tag: string, firstEpoch: number) => ({
  ...{ number, tag, firstEpoch, reason: 'r', beganAtMs: 0 },
});

/** @throws where a message is no valid event. */
function cloudEventOf({ headers, body }: PublicMessage): CloudEvent<unknown> {
  const attributes = Object.entries(headers)
    .filter(([name]) => name.startsWith('cloudEvents_'))
    .map(([name, value]) => [name.slice('cloudEvents_'.length), value]);
  const event = { ...Object.fromEntries(attributes), datacontenttype: 'application/json', data: JSON.parse(body) };
  return new CloudEvent(event as never, true);
}

describe('the origin of messages', () => {
  for (const [what, publicUrl, source, schema] of [
    ['without PUBLIC_URL', undefined, /^urn:uuid:[0-9a-f-]{36}$/, /^urn:holdfast:schema:[a-z.-]+v1$/],
    [
      'with PUBLIC_URL',
      'https://x.example/shop',
      /^https:\/\/x\.example\/shop$/,
      /^https:\/\/x\.example\/shop\/contracts\//,
    ],
  ] as const) {
    it(`${what}, is named by absolute URIs that the CloudEvents SDK takes, of every event`, () => {
      for (const type of PUBLIC_EVENTS.types) {
        const event = cloudEventOf(testMessages(testOrigin(publicUrl)).messageOf(journaledSample(type))!);
        expect(event.validate()).to.equal(true);
        expect(event.source).to.match(source);
        expect(event.dataschema).to.match(schema).and.contain(type);
        for (const uri of [event.source, event.dataschema!]) expect(URL.canParse(uri), uri).to.equal(true);
      }
    });
  }

  it('is another for another deployment', () => {
    const of = (deploymentId: string): string => new MessageOrigin({ deploymentId }).source;
    expect(of('0c7f2c0e-9b1f-4c57-8d3a-0a4f6f1f2b3c')).not.to.equal(of('1c7f2c0e-9b1f-4c57-8d3a-0a4f6f1f2b3c'));
  });

  it('gives each epoch the tag of its incarnation, and keeps it when later ones begin', () => {
    const origin = new MessageOrigin({ deploymentId: 'd', incarnations: [incarnation(1, '', 1)] });
    const idAt = (epoch: number): string =>
      testMessages(origin).messageOf({
        ...journaledSample('order.confirmed.v1'),
        shard: 98,
        epoch,
        seq: 57,
        ordinal: 0,
      })!.messageId;
    expect(idAt(2), 'as it was before there were incarnations').to.equal('s98-e2-q57-0');
    origin.know([incarnation(1, '', 1), incarnation(2, 'aa', 10_000), incarnation(3, 'bb', 20_000)]);
    expect([2, 9_999, 10_000, 19_999, 20_000, 20_001].map(idAt)).to.deep.equal([
      's98-e2-q57-0',
      's98-e9999-q57-0',
      'aa-s98-e10000-q57-0',
      'aa-s98-e19999-q57-0',
      'bb-s98-e20000-q57-0',
      'bb-s98-e20001-q57-0',
    ]);
  });

  it('makes no id while no incarnation is known', () => {
    const origin = new MessageOrigin({ deploymentId: 'd' });
    expect(() => testMessages(origin).messageOf(journaledSample('order.confirmed.v1'))).to.throw(/incarnation/);
  });
});
