/**
 * A gift card: issued and sent to its holder, redeemed in parts, moved to another card in parts, and void after a day
 * that is fixed when it is issued.
 *
 *   Absent --Issue--> Issued --sent--> Active --balance 0--> Spent
 *                            --undeliverable--> Void
 *                                      Active --deadline--> Expired
 *
 * A move takes the amount off first and gives it to the other card then. Where that card refuses, it comes back.
 */
import type { EpochMs } from '../../../kernel/clock.ts';

export const GIFT_CARD_PREFIX = 'gft_';
export const giftCardEntity = (cardId: string): string => GIFT_CARD_PREFIX + cardId;

/** The port to the post. */
export const CARD_POST = 'card-post';

/** Minor units throughout. */
export interface Card {
  readonly cardId: string;
  readonly holder: string;
  readonly currency: string;
  readonly issued: number;
  readonly balance: number;
  readonly redeemed: number;
  readonly received: number;
  readonly moved: number;
  readonly forfeited: number;
  readonly expiresAt: EpochMs;
  /** Taken off, and not yet on the other card. */
  readonly move: Move | undefined;
  /** Moves that have arrived here: one that comes again is known. */
  readonly arrived: readonly string[];
}

export interface Move {
  readonly moveId: string;
  readonly to: string;
  readonly amount: number;
}

export type CardStatus = 'Issued' | 'Active' | 'Spent' | 'Expired' | 'Void';
export type IssuedCard = Card & { readonly status: CardStatus };
export type GiftCardState = { readonly status: 'Absent'; readonly cardId: string } | IssuedCard;

export type GiftCardCommand =
  | {
      readonly type: 'IssueCard';
      readonly holder: string;
      readonly amount: number;
      readonly currency: string;
      readonly expiresAt: EpochMs;
    }
  | { readonly type: 'RedeemCard'; readonly amount: number }
  | { readonly type: 'MoveBalance'; readonly to: string; readonly amount: number }
  | { readonly type: 'ReceiveBalance'; readonly moveId: string; readonly amount: number; readonly currency: string }
  | { readonly type: 'RecordSending'; readonly outcome: SendingOutcome }
  | { readonly type: 'RecordMove'; readonly arrived: boolean }
  | { readonly type: 'ExpireCard' };

export type GiftCardEvent =
  | {
      readonly type: 'GiftCardIssued';
      readonly holder: string;
      readonly amount: number;
      readonly currency: string;
      readonly expiresAt: EpochMs;
    }
  | { readonly type: 'GiftCardSent' }
  | { readonly type: 'GiftCardVoided' }
  | { readonly type: 'GiftCardRedeemed'; readonly amount: number }
  | { readonly type: 'GiftCardMoveBegun'; readonly moveId: string; readonly to: string; readonly amount: number }
  | { readonly type: 'GiftCardMoveArrived' }
  | { readonly type: 'GiftCardMoveReturned' }
  | { readonly type: 'GiftCardReceived'; readonly moveId: string; readonly amount: number }
  | { readonly type: 'GiftCardExpired'; readonly forfeited: number };

export type GiftCardRefusal =
  | { readonly code: 'not_found' }
  | { readonly code: 'illegal_transition'; readonly from: CardStatus; readonly allowed: readonly CardStatus[] }
  | { readonly code: 'currency_mismatch' }
  | { readonly code: 'insufficient_balance'; readonly balance: number };

/** A card goes to its holder by post. */
export interface SendingCall {
  /** The same for each try: the card is printed once. */
  readonly idempotencyKey: string;
  readonly notAfter: EpochMs;
  readonly holder: string;
}
export type SendingOutcome =
  { readonly kind: 'sent' } | { readonly kind: 'undeliverable' } | { readonly kind: 'lapsed' };
