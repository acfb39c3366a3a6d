/** What a gift card wants of others: its sending by post, and the arrival of what it gives to another card. */
import { callStep, step, type Step } from '../../../kernel/step.ts';
import { CARD_POST, giftCardEntity } from './gift-card.ts';
import type { GiftCardCommand, GiftCardState, IssuedCard, Move, SendingCall, SendingOutcome } from './gift-card.ts';

const send = callStep({
  key: 'send',
  when: (state: GiftCardState): state is IssuedCard => state.status === 'Issued',
  port: CARD_POST,
  call: ({ cardId, holder, expiresAt }): SendingCall => ({ idempotencyKey: cardId, notAfter: expiresAt, holder }),
  conclude: (outcome: SendingOutcome): GiftCardCommand => ({ type: 'RecordSending', outcome }),
});

const move = step({
  key: 'move',
  when: (state: GiftCardState): state is IssuedCard & { readonly move: Move } =>
    state.status !== 'Absent' && state.move !== undefined,
  to: ({ move: { to } }) => giftCardEntity(to),
  command: ({ move: { moveId, amount }, currency }): GiftCardCommand => ({
    type: 'ReceiveBalance',
    moveId,
    amount,
    currency,
  }),
  until: 'durable',
  conclude: (): GiftCardCommand => ({ type: 'RecordMove', arrived: true }),
  refused: (): GiftCardCommand => ({ type: 'RecordMove', arrived: false }),
});

export const giftCardSteps: readonly Step<GiftCardState, GiftCardCommand>[] = [send, move];
