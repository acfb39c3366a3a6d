/** What a gift card says to a command. Order of checks: existence, known work, currency, status, balance. */
import type { EpochMs } from '../../../kernel/clock.ts';
import { accepted, alreadyDone, rejected, type Decision } from '../../../kernel/decider.ts';
import { unreachable } from '../../../kernel/invariant.ts';
import type { GiftCardCommand, GiftCardEvent, GiftCardRefusal, GiftCardState, IssuedCard } from './gift-card.ts';

type CardDecision = Decision<GiftCardEvent, GiftCardRefusal>;

export function decide(state: GiftCardState, command: GiftCardCommand, at: EpochMs): CardDecision {
  if (command.type === 'IssueCard') {
    const { holder, amount, currency, expiresAt } = command;
    if (state.status !== 'Absent') return alreadyDone;
    return accepted<GiftCardEvent>({ type: 'GiftCardIssued', holder, amount, currency, expiresAt });
  }
  if (state.status === 'Absent') return rejected({ code: 'not_found' });
  switch (command.type) {
    case 'RedeemCard':
      return spending(state, command.amount, at) ?? accepted({ type: 'GiftCardRedeemed', amount: command.amount });
    case 'MoveBalance': {
      const { to, amount } = command;
      if (state.move) return refused(state);
      const moveId = `${state.cardId}/${at}`;
      return spending(state, amount, at) ?? accepted({ type: 'GiftCardMoveBegun', moveId, to, amount });
    }
    case 'ReceiveBalance': {
      const { moveId, amount, currency } = command;
      if (state.arrived.includes(moveId)) return alreadyDone;
      if (currency !== state.currency) return rejected({ code: 'currency_mismatch' });
      if ((state.status !== 'Active' && state.status !== 'Spent') || at >= state.expiresAt) return refused(state);
      return accepted<GiftCardEvent>({ type: 'GiftCardReceived', moveId, amount });
    }
    case 'RecordSending':
      if (state.status !== 'Issued') return alreadyDone;
      return accepted<GiftCardEvent>({ type: command.outcome.kind === 'sent' ? 'GiftCardSent' : 'GiftCardVoided' });
    case 'RecordMove':
      if (!state.move) return alreadyDone;
      return accepted<GiftCardEvent>({ type: command.arrived ? 'GiftCardMoveArrived' : 'GiftCardMoveReturned' });
    case 'ExpireCard':
      if (state.status !== 'Active' || at < state.expiresAt) return alreadyDone;
      return accepted<GiftCardEvent>({ type: 'GiftCardExpired', forfeited: state.balance });
    default:
      return unreachable(command, 'gift card command');
  }
}

/** Why the amount can't be taken off; undefined: it can. */
function spending(state: IssuedCard, amount: number, at: EpochMs): CardDecision | undefined {
  // The timer that expires the card may be late.
  if (state.status !== 'Active' || at >= state.expiresAt) return refused(state);
  return amount > state.balance ? rejected({ code: 'insufficient_balance', balance: state.balance }) : undefined;
}

function refused({ status }: IssuedCard): CardDecision {
  return rejected({ code: 'illegal_transition', from: status, allowed: [] });
}
