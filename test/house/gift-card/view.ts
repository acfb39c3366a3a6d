/** The view of gift cards: one row a card, in a table of its own. */
import type { Knex } from 'knex';
import { defineView } from '../../../persistence/view-definition.ts';
import type { IssuedCard } from './gift-card.ts';

export const giftCardView = defineView<IssuedCard>({
  table: 'gift_card_view',
  columns: {
    card_id: { type: 'text', written: 'key', value: ({ shown }) => shown.cardId },
    holder: { type: 'text', written: 'once', value: ({ shown }) => shown.holder },
    currency: { type: 'text', written: 'once', value: ({ shown }) => shown.currency },
    status: { type: 'text', written: 'always', value: ({ shown }) => shown.status },
    balance: { type: 'bigint', written: 'always', value: ({ shown }) => shown.balance },
    settled: { type: 'boolean', written: 'always', value: ({ settled }) => settled },
    updated_at: { type: 'timestamptz', written: 'always', value: ({ at }) => at },
  },
  migrations: [{ name: '9001-gift-card', compatibility: { kind: 'additive' }, up, down: () => Promise.resolve() }],
});

async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE gift_card_view (
      card_id text PRIMARY KEY,
      shard int NOT NULL,
      version int NOT NULL,
      holder text NOT NULL,
      currency text NOT NULL,
      status text NOT NULL,
      balance bigint NOT NULL,
      settled boolean NOT NULL,
      updated_at timestamptz NOT NULL
    )`);
}
