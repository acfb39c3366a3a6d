/** What the world hears of gift cards: that one was issued, and that one has expired. */
import { z } from 'zod';
import { routingKeyOf } from '../../../kernel/entity-id.ts';
import { money } from '../../../kernel/money.ts';
import { money as moneySchema } from '../../../actors/public-fields.ts';
import { PRIVATE, published, type PublicEvents } from '../../../messaging/contracts/public-event-definition.ts';
import { giftCardEntity, type GiftCardEvent } from './gift-card.ts';

const cardId = z.string().meta({ description: 'The card' });
const sampleCard = giftCardEntity('CARD-7');

export const giftCardPublicEvents: PublicEvents<GiftCardEvent> = {
  correlationId: 'none',
  events: {
    GiftCardIssued: published('gift-card.issued.v1', {
      when: 'A gift card was issued; it is on its way to its holder.',
      schema: z.strictObject({ cardId, amount: moneySchema('What it is worth') }),
      data: ({ amount, currency }, entityId) => ({ cardId: routingKeyOf(entityId), amount: money(amount, currency) }),
      sample: {
        entityId: sampleCard,
        version: 1,
        seq: 7,
        commandId: 'http/1',
        event: { type: 'GiftCardIssued', holder: '', amount: 5_000, currency: 'EUR', expiresAt: 0 },
      },
    }),
    GiftCardExpired: published('gift-card.expired.v1', {
      when: 'A gift card has expired; what was left on it is void.',
      schema: z.strictObject({ cardId, forfeited: z.int().min(0).meta({ description: 'Minor units that were left' }) }),
      data: ({ forfeited }, entityId) => ({ cardId: routingKeyOf(entityId), forfeited }),
      sample: {
        entityId: sampleCard,
        version: 3,
        seq: 9,
        commandId: 'deadline@2',
        event: { type: 'GiftCardExpired', forfeited: 100 },
      },
    }),
    GiftCardSent: PRIVATE,
    GiftCardVoided: PRIVATE,
    GiftCardRedeemed: PRIVATE,
    GiftCardMoveBegun: PRIVATE,
    GiftCardMoveArrived: PRIVATE,
    GiftCardMoveReturned: PRIVATE,
    GiftCardReceived: PRIVATE,
  },
};
