/** What gift cards offer by HTTP: issue one, read it, redeem a part of it. */
import { z } from 'zod';
import { problemOfAnswer, problemOfRead, notFound, illegalTransition } from '../../../http/answer-problems.ts';
import { answerJson } from '../../../http/answer.ts';
import { commandSourceOf } from '../../../http/command-source.ts';
import type { CallerContext, Handler } from '../../../http/edge-context.ts';
import type { EdgeServices } from '../../../http/edge-services.ts';
import { entityTag } from '../../../http/entity-tag.ts';
import { commandNameOf, commandNameOfKey, idempotencyKeyOf } from '../../../http/idempotency.ts';
import { defineOperation } from '../../../http/operation-definition.ts';
import { parseInput } from '../../../http/parse-input.ts';
import { defineProblem, Problem } from '../../../http/problems.ts';
import { money } from '../../../http/schemas/money.ts';
import { printableId } from '../../../http/schemas/text.ts';
import {
  giftCardEntity,
  type GiftCardCommand,
  type GiftCardRefusal,
  type GiftCardState,
  type IssuedCard,
} from './gift-card.ts';

const PATH = '/api/v1/gift-cards/{cardId}';
const VALID_DAYS = 365;
const DAY_MS = 86_400_000;
const NAME_LENGTH_MAX = 100;

const INSUFFICIENT_BALANCE = defineProblem({
  code: 'insufficient_balance',
  status: 409,
  title: 'Not enough is left on the card',
  retryable: false,
});

const GIFT_CARD = {
  name: 'gift card',
  problemOf: (refusal: { readonly code: string }): Problem | undefined => {
    const known = refusal as GiftCardRefusal;
    if (known.code === 'insufficient_balance')
      return new Problem(INSUFFICIENT_BALANCE, `${known.balance} is left on the card.`);
    return known.code === 'illegal_transition' ? illegalTransition('gift card', known.from, known.allowed) : undefined;
  },
};

const cardPath = z.object({ cardId: printableId(NAME_LENGTH_MAX) });
const issueRequest = z
  .strictObject({ amount: money, holder: printableId(NAME_LENGTH_MAX) })
  .meta({ id: 'IssueGiftCardRequest' });
const redeemRequest = z.strictObject({ amount: z.int().min(1) }).meta({ id: 'RedeemGiftCardRequest' });
const giftCard = z
  .strictObject({ cardId: z.string(), status: z.string(), balance: money, expiresAt: z.string() })
  .meta({ id: 'GiftCard' });
const answered = { 200: { description: 'The card after it', schema: giftCard } };

const issue = defineOperation({
  id: 'issueGiftCard',
  method: 'PUT',
  path: PATH,
  access: 'admin',
  summary: 'Issue a gift card and send it to its holder.',
  body: issueRequest,
  headers: ['Idempotency-Key'],
  responses: answered,
  problems: ['illegal_transition', 'idempotency_mismatch', 'idempotency_key_invalid', 'outcome_unknown'],
  handler: (services) =>
    commanded(services, issueRequest, ({ amount, holder }) => {
      const expiresAt = services.clock.nowMs() + VALID_DAYS * DAY_MS;
      return { type: 'IssueCard', holder, amount: amount.amount, currency: amount.currency, expiresAt };
    }),
});

const redeem = defineOperation({
  id: 'redeemGiftCard',
  method: 'POST',
  path: `${PATH}/redeem`,
  access: 'staff',
  summary: 'Take an amount off a gift card.',
  body: redeemRequest,
  headers: ['Idempotency-Key'],
  responses: answered,
  problems: [
    'not_found',
    'illegal_transition',
    'idempotency_mismatch',
    'idempotency_key_invalid',
    'outcome_unknown',
    INSUFFICIENT_BALANCE,
  ],
  handler: (services) => commanded(services, redeemRequest, ({ amount }) => ({ type: 'RedeemCard', amount })),
});

const read = defineOperation({
  id: 'getGiftCard',
  method: 'GET',
  path: PATH,
  access: 'staff',
  summary: 'One gift card.',
  responses: { 200: { description: 'The card', schema: giftCard } },
  problems: ['not_found'],
  handler:
    ({ actors, timeouts }) =>
    async (ctx) => {
      const { cardId } = parseInput(cardPath, ctx.params, 'The path');
      const ask = { to: giftCardEntity(cardId), commandId: '', until: 'durable', timeoutMs: timeouts.readMs } as const;
      const answer = await actors.ask(ask);
      if (answer.kind !== 'done') throw problemOfRead(answer, GIFT_CARD);
      const state = answer.value as GiftCardState;
      if (state.status === 'Absent') throw notFound(GIFT_CARD.name);
      answerCard(ctx, state, answer.version);
    },
});

export const giftCardOperations = [issue, read, redeem];

function commanded<Request>(
  services: EdgeServices,
  schema: z.ZodType<Request>,
  commandOf: (request: Request) => GiftCardCommand,
): Handler {
  const { actors, bodies, clock, idempotencyNamespace, timeouts } = services;
  return async (ctx) => {
    const { cardId } = parseInput(cardPath, ctx.params, 'The path');
    const { principal } = ctx.state;
    const key = idempotencyKeyOf(ctx.req);
    const request = parseInput(schema, await bodies.readJson(ctx.req, principal));
    const command = commandOf(request);
    const source = commandSourceOf(ctx);
    const name =
      key === undefined
        ? commandNameOf(clock.nowMs(), source.condition)
        : commandNameOfKey(idempotencyNamespace, principal, `${command.type} ${cardId}`, key, request);
    const to = giftCardEntity(cardId);
    const answer = await actors.ask({
      ...{ to, command, ...name, ...source, until: 'durable' as const, timeoutMs: timeouts.commandMs },
    });
    if (answer.kind !== 'done') throw problemOfAnswer(answer, GIFT_CARD, { keyed: key !== undefined });
    answerCard(ctx, answer.value as IssuedCard, answer.version, key !== undefined && answer.replayed);
  };
}

function answerCard(ctx: CallerContext, card: IssuedCard, version: number, replayed = false): void {
  const { cardId, status, balance, currency, expiresAt } = card;
  const body = {
    cardId,
    status,
    balance: { amount: balance, currency },
    expiresAt: new Date(expiresAt).toISOString(),
  };
  answerJson(ctx, 200, body, { ETag: entityTag(version), ...(replayed && { 'Idempotent-Replayed': 'true' }) });
}
