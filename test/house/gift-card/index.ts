/** A gift card as an actor: one folder, and one line in a list of kinds. */
import { defineActor } from '../../../actors/define-actor.ts';
import { choiceSetting } from '../../../config/setting.ts';
import { defineDecider } from '../../../kernel/define-decider.ts';
import { giftCardAudit } from './audit.ts';
import { decide } from './decide.ts';
import { evolve } from './evolve.ts';
import {
  CARD_POST,
  GIFT_CARD_PREFIX,
  type GiftCardCommand,
  type GiftCardEvent,
  type GiftCardRefusal,
  type GiftCardState,
} from './gift-card.ts';
import { giftCardOperations } from './operations.ts';
import { CardPost } from './post.ts';
import { giftCardPublicEvents } from './public-events.ts';
import { giftCardSteps } from './steps.ts';
import { giftCardView } from './view.ts';

const MAILBOX_MAX = 100;
const IDLE_MS = 1_000;
const POST_TIMEOUT_MS = 5_000;

const decider = defineDecider<GiftCardState, GiftCardCommand, GiftCardEvent, GiftCardRefusal>({
  kind: 'gift-card',
  initial: (entityId) => ({ status: 'Absent', cardId: entityId.slice(GIFT_CARD_PREFIX.length) }),
  decide,
  evolve,
  steps: giftCardSteps,
  deadline: {
    at: (state) => (state.status === 'Active' ? state.expiresAt : undefined),
    command: { type: 'ExpireCard' },
  },
  answer: (state) => state,
  exists: ({ status }) => status !== 'Absent',
});

export const giftCardActor = defineActor({
  prefix: GIFT_CARD_PREFIX,
  decider,
  events: {
    GiftCardIssued: [],
    GiftCardSent: [],
    GiftCardVoided: [],
    GiftCardRedeemed: [],
    GiftCardMoveBegun: [],
    GiftCardMoveArrived: [],
    GiftCardMoveReturned: [],
    GiftCardReceived: [],
    GiftCardExpired: [],
  },
  publicEvents: giftCardPublicEvents,
  outside: {
    [CARD_POST]: {
      what: 'the post',
      setting: choiceSetting('CARD_POST', ['list'], 'list'),
      implementations: { list: () => new CardPost() },
      timeoutMs: POST_TIMEOUT_MS,
    },
  },
  limits: { mailboxMax: MAILBOX_MAX, idleMs: IDLE_MS, knownCommandsMax: 1_000 },
  view: giftCardView,
  operations: giftCardOperations,
  audit: giftCardAudit,
});
