/** What an event makes of a gift card. */
import { impossible } from '../../../kernel/decider.ts';
import type { GiftCardEvent, GiftCardState, IssuedCard } from './gift-card.ts';

export function evolve(state: GiftCardState, event: GiftCardEvent): GiftCardState {
  if (event.type === 'GiftCardIssued') {
    if (state.status !== 'Absent') return impossible('gift-card', state.status, event);
    const { holder, amount, currency, expiresAt } = event;
    return {
      status: 'Issued',
      cardId: state.cardId,
      ...{ holder, currency, expiresAt, issued: amount, balance: amount },
      ...{ redeemed: 0, received: 0, moved: 0, forfeited: 0, move: undefined, arrived: [] },
    };
  }
  if (state.status === 'Absent') return impossible('gift-card', state.status, event);
  switch (event.type) {
    case 'GiftCardSent':
      return { ...state, status: 'Active' };
    case 'GiftCardVoided':
      return { ...state, status: 'Void', balance: 0, forfeited: state.balance };
    case 'GiftCardRedeemed':
      return withBalance({ ...state, redeemed: state.redeemed + event.amount }, state.balance - event.amount);
    case 'GiftCardMoveBegun': {
      const { moveId, to, amount } = event;
      return { ...state, balance: state.balance - amount, move: { moveId, to, amount } };
    }
    case 'GiftCardMoveArrived':
    case 'GiftCardMoveReturned': {
      const { move } = state;
      if (!move) return impossible('gift-card', state.status, event);
      if (event.type === 'GiftCardMoveArrived')
        return withBalance({ ...state, move: undefined, moved: state.moved + move.amount }, state.balance);
      // What comes back to a card that has expired meanwhile is forfeited as well.
      if (state.status === 'Expired') return { ...state, move: undefined, forfeited: state.forfeited + move.amount };
      return withBalance({ ...state, move: undefined }, state.balance + move.amount);
    }
    case 'GiftCardReceived': {
      const arrived = [...state.arrived, event.moveId];
      return withBalance({ ...state, arrived, received: state.received + event.amount }, state.balance + event.amount);
    }
    case 'GiftCardExpired':
      return { ...state, status: 'Expired', balance: 0, forfeited: state.forfeited + event.forfeited };
    default:
      return impossible('gift-card', state.status, event);
  }
}

function withBalance(card: IssuedCard, balance: number): IssuedCard {
  const open = card.status === 'Active' || card.status === 'Spent';
  return { ...card, balance, status: !open ? card.status : balance > 0 || card.move ? 'Active' : 'Spent' };
}
