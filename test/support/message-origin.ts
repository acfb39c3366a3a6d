/** Where the messages of tests come from: a deployment in its first incarnation, with ids without a tag. */
import { PUBLIC_EVENTS } from '../../actors/index.ts';
import { MessageOrigin } from '../../messaging/contracts/message-origin.ts';
import { PublicMessages, type JournaledEvent } from '../../messaging/contracts/public-message.ts';
import { sampleOf } from '../../messaging/contracts/samples.ts';

export const TEST_DEPLOYMENT = '0c7f2c0e-9b1f-4c57-8d3a-0a4f6f1f2b3c';

export function testOrigin(publicUrl?: string): MessageOrigin {
  const first = { number: 1, tag: '', firstEpoch: 1, reason: 'the first start', beganAtMs: 0 };
  return new MessageOrigin({ deploymentId: TEST_DEPLOYMENT, publicUrl, incarnations: [first] });
}

export function testMessages(origin = testOrigin()): PublicMessages {
  return new PublicMessages(PUBLIC_EVENTS, origin);
}

/** The journal event of the sample of a public event. */
export function journaledSample(type: string): JournaledEvent {
  const event = PUBLIC_EVENTS.all.find(({ routingKey }) => routingKey === type);
  if (event === undefined) throw new Error(`${type} is no public event`);
  return sampleOf(event);
}
