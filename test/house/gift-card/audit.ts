/** What an audit proves of gift cards: no unit of money comes from nowhere, and none is spent twice (invariant 5). */
import { broken, type AuditDefinition } from '../../../audit/audit-definition.ts';
import type { GiftCardEvent, GiftCardState } from './gift-card.ts';

export const giftCardAudit: AuditDefinition<GiftCardState, GiftCardEvent> = {
  brokenByEvent: (state, event) => {
    if (state.status === 'Absent' || event.type !== 'GiftCardRedeemed' || event.amount <= state.balance)
      return undefined;
    return broken(5, `at most the ${state.balance} on the card`, `GiftCardRedeemed of ${event.amount}`);
  },
  brokenAtEnd: (state) => {
    if (state.status === 'Absent') return undefined;
    const { issued, received, balance, redeemed, moved, forfeited, move } = state;
    const accounted = balance + redeemed + moved + forfeited + (move?.amount ?? 0);
    if (accounted === issued + received) return undefined;
    return broken(5, `${issued + received} accounted for, as it was issued and received`, `${accounted}`);
  },
  status: ({ status }) => status,
};
