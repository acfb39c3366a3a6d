/**
 * Makes the example of a public event from the sample in its definition. The messages made of them are the golden
 * samples in contracts/ and the examples of the AsyncAPI document.
 */
import { invariant } from '../../kernel/invariant.ts';
import { MessageOrigin } from './message-origin.ts';
import type { PublicEventCatalogue } from './public-event-catalogue.ts';
import type { PublicEvent } from './public-event-definition.ts';
import { APP_ID, CONTENT_TYPE, PublicMessages, type JournaledEvent, type PublicMessage } from './public-message.ts';

const AT = Date.UTC(2026, 0, 15, 12, 30, 15, 250);
const SHARD = 17;
const EPOCH = 3;

/** Of the examples: a deployment with a public address, in its first incarnation. */
const SAMPLE_ORIGIN = new MessageOrigin({
  deploymentId: 'b9f6c3f0-2a41-4d53-9a77-6f2f0f6f3c11',
  publicUrl: 'https://shop.example.com',
  incarnations: [{ number: 1, tag: '7c0e51b2', firstEpoch: 1, reason: 'the first start', beganAtMs: AT }],
});

/** The journal event of an example, in its place: time goes on with the number of the row. */
export function sampleOf({ sample }: PublicEvent): JournaledEvent {
  const { ordinal = 0, seq } = sample;
  return { ...sample, shard: SHARD, epoch: EPOCH, ordinal, at: AT + seq * 10 };
}

/** @throws InvariantViolation for a sample that is private, or published as another event. */
export function sampleMessageOf(events: PublicEventCatalogue, event: PublicEvent): PublicMessage {
  const message = new PublicMessages(events, SAMPLE_ORIGIN).messageOf(sampleOf(event));
  invariant(message?.routingKey === event.routingKey, `the sample of ${event.routingKey} is published as it`);
  return message;
}

/** A message as a consumer meets it, with AMQP's names. */
export function sampleDocument({
  routingKey,
  messageId,
  correlationId,
  timestampSeconds,
  headers,
  body,
}: PublicMessage) {
  return {
    routingKey,
    properties: {
      'message-id': messageId,
      ...(correlationId !== undefined && { 'correlation-id': correlationId }),
      type: routingKey,
      'content-type': CONTENT_TYPE,
      timestamp: timestampSeconds,
      'app-id': APP_ID,
      'delivery-mode': 2,
    },
    headers,
    body: JSON.parse(body) as unknown,
  };
}
