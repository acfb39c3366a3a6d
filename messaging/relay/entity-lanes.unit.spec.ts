import { expect } from 'chai';
import { waitUntil } from '../../test/support/wait-until.ts';
import type { PublicMessage } from '../contracts/public-message.ts';
import { EntityLanes, type LanesDeps } from './entity-lanes.ts';

const message = (messageId: string): PublicMessage => ({
  ...{ routingKey: 'order.created.v1', messageId, timestampSeconds: 0, headers: {}, body: '{}' },
});

describe('entity lanes', () => {
  it('bear that thousands of messages are refused within the call, and send each again', async () => {
    const entities = 20_000;
    let refuses = true;
    let isUp = false;
    const sent: string[] = [];
    let refused = 0;
    const publish: LanesDeps['publish'] = ({ messageId }, confirm) => {
      if (refuses) return confirm.reject(new Error('no channel'));
      sent.push(messageId);
      confirm.resolve();
    };
    const lanes = new EntityLanes({ publish, mayPublish: () => isUp, onRefused: () => refused++ });
    for (let n = 0; n < entities; n++) lanes.add(`ord_${n}`, n % 8, message(`m${n}`), () => undefined);

    isUp = true;
    lanes.pump();
    expect(refused).to.equal(entities);
    refuses = false;
    await waitUntil(
      'all are sent again',
      () => lanes.published === entities,
      () => `${lanes.published} of ${entities}`,
    );
    expect(new Set(sent).size).to.equal(entities);
    expect(lanes.inFlight).to.equal(0);
  });

  it('keep the order of an entity also where its confirms come within the call', () => {
    const sent: string[] = [];
    const publish: LanesDeps['publish'] = ({ messageId }, confirm) => {
      sent.push(messageId);
      confirm.resolve();
    };
    let isUp = false;
    const lanes = new EntityLanes({ publish, mayPublish: () => isUp, onRefused: () => undefined });
    for (const id of ['a1', 'a2', 'a3']) lanes.add('ord_a', 0, message(id), () => undefined);
    isUp = true;
    lanes.pump();
    expect(sent).to.deep.equal(['a1', 'a2', 'a3']);
  });
});
