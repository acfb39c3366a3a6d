/** Where the messages of tests come from: a deployment in its first incarnation, with ids without a tag. */
import { MessageOrigin } from '../../messaging/contracts/message-origin.ts';

export const TEST_DEPLOYMENT = '0c7f2c0e-9b1f-4c57-8d3a-0a4f6f1f2b3c';

export function testOrigin(publicUrl?: string): MessageOrigin {
  const first = { number: 1, tag: '', firstEpoch: 1, reason: 'the first start', beganAtMs: 0 };
  return new MessageOrigin({ deploymentId: TEST_DEPLOYMENT, publicUrl, incarnations: [first] });
}
