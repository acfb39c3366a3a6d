import { expect } from 'chai';
import { systemClock } from '../../kernel/clock.ts';
import type { CommittedRow } from '../../runtime/entity/log-follower.ts';
import type { DomainEvent } from '../../kernel/decider.ts';
import { testMessages } from '../../test/support/message-origin.ts';
import { orderIdOf } from '../../test/support/order-states.ts';
import { ROW_AT } from '../../test/support/journal-rows.ts';
import { turns, waitUntil } from '../../test/support/wait-until.ts';
import { UnroutableError, type Confirm } from '../rabbitmq/publishing-channel.ts';
import { EntityLanes, type LanesDeps } from './entity-lanes.ts';
import { RowMessages } from './row-messages.ts';

const EPOCH = 1;
const CONFIRMED = { type: 'OrderConfirmed' };
const PENDING = { type: 'OrderPaymentPending' };
const PRIVATE = { type: 'OrderPaymentCaptured' };

const rowOf = (n: number, seq: number, events: readonly DomainEvent[]): CommittedRow => ({
  ...{ shard: n % 8, seq, entityId: `ord_${orderIdOf(n)}`, version: seq, commandId: `c${seq}`, at: ROW_AT, events },
});

describe('entity lanes', () => {
  let published: number[];
  let sent: string[];
  let isUp: boolean;
  let refuses: boolean;
  let refused: number;
  let unrefused: number;
  /** Where there is one, publications wait in it for their confirms. */
  let unanswered: Confirm[] | undefined;
  /** Came back, and were sent to where such messages are kept. */
  let unrouted: string[];
  let keepUnrouted: (confirm: Confirm) => void;
  let lanes: EntityLanes;

  beforeEach(() => {
    [published, sent, isUp, refuses, refused, unrefused, unanswered] = [[], [], true, false, 0, 0, undefined];
    unrouted = [];
    keepUnrouted = (confirm) => confirm.resolve();
    const publish: LanesDeps['publish'] = ({ messageId }, confirm) => {
      if (unanswered) return void unanswered.push(confirm);
      if (refuses) return confirm.reject(new Error('no channel'));
      sent.push(messageId);
      confirm.resolve();
    };
    const onReady = (): void => void setImmediate(() => lanes.pump());
    const never = (): never => {
      throw new Error('nothing is held here');
    };
    lanes = new EntityLanes({
      clock: systemClock,
      ...{ publish, mayPublish: () => isUp, onReady, onRefused: () => refused++ },
      publishUnrouted: ({ messageId }, confirm) => {
        unrouted.push(messageId);
        keepUnrouted(confirm);
      },
      onUnrefused: () => unrefused++,
      ...{ hold: never, onHeld: never },
    });
  });

  const add = (n: number, seq: number, events: readonly DomainEvent[] = [CONFIRMED]): void =>
    lanes.add(RowMessages.of(rowOf(n, seq, events), EPOCH, testMessages(), (row) => published.push(row.seq))!);

  describe('with a message that came back', () => {
    const answer = (error?: Error): void => {
      const [confirm] = unanswered!.splice(0, 1);
      if (error) confirm!.reject(error);
      else confirm!.resolve();
    };
    const underWay = (): Promise<void> => waitUntil('one is under way', () => unanswered!.length === 1);

    beforeEach(async () => {
      unanswered = [];
      add(1, 1);
      add(1, 2);
      await underWay();
    });

    it('send it to where such are kept, and the entity’s next one only after that is confirmed', async () => {
      let kept: Confirm | undefined;
      keepUnrouted = (confirm) => (kept = confirm);
      answer(new UnroutableError('no queue'));
      await turns(5);
      expect([unrouted.length, unanswered!.length, lanes.inFlight, published], 'it waits').to.deep.equal([1, 0, 1, []]);
      kept!.resolve();
      await underWay();
      answer();
      expect(published).to.deep.equal([1, 2]);
      expect([lanes.published, lanes.unrouted, lanes.inFlight, refused]).to.deep.equal([2, 1, 0, 0]);
    });

    for (const failure of [new UnroutableError('no queue there either'), new Error('the connection broke')])
      it(`try it anew where that fails, too: ${failure.message}`, async () => {
        keepUnrouted = (confirm) => confirm.reject(failure);
        answer(new UnroutableError('no queue'));
        expect([refused, lanes.inFlight, published]).to.deep.equal([1, 0, []]);
        await underWay();
        answer();
        await underWay();
        expect([lanes.published, lanes.unrouted, unrouted.length, unrefused]).to.deep.equal([1, 0, 1, 1]);
      });

    it('forget it with its shard', async () => {
      lanes.drop(1);
      answer(new UnroutableError('no queue'));
      await turns(5);
      expect([unrouted, lanes.inFlight, published]).to.deep.equal([[], 0, []]);
    });
  });

  it('bear that thousands of messages are refused within the call, and send each again', async () => {
    const entities = 20_000;
    [isUp, refuses] = [false, true];
    for (let n = 0; n < entities; n++) add(n, n);
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
    expect(published).to.have.length(entities);
    expect(lanes.inFlight).to.equal(0);
  });

  it('publish an entity’s events in order, also where confirms come within the call; a row is published with its last', async () => {
    isUp = false;
    add(1, 5, [PRIVATE, PENDING, PRIVATE, CONFIRMED, PRIVATE]);
    add(1, 6);
    add(1, 9);
    isUp = true;
    lanes.pump();
    expect(sent).to.deep.equal(['s1-e1-q5-1', 's1-e1-q5-3', 's1-e1-q6-0', 's1-e1-q9-0']);
    expect(published).to.deep.equal([5, 6, 9]);
  });

  it('send no more than fits under way; the rest as room comes, without being asked', async () => {
    const entities = 5_000;
    unanswered = [];
    for (let n = 0; n < entities; n++) add(n, n);
    await turns();
    expect([unanswered.length, lanes.inFlight]).to.deep.equal([2_000, 2_000]);
    while (published.length < entities && unanswered.length > 0) {
      for (const confirm of unanswered.splice(0)) confirm.resolve();
      await turns();
      expect(lanes.inFlight).to.equal(unanswered.length).and.to.be.at.most(2_000);
    }
    expect(published).to.have.length(entities);
  });

  it('are not made for a row of which nothing is public', () => {
    expect(RowMessages.of(rowOf(1, 1, [PRIVATE]), EPOCH, testMessages(), () => undefined)).to.equal(undefined);
  });
});
