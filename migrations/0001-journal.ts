/**
 * The journal, its snapshots, the checkpoint of its projections, and the three projections. Forward only. Ids compare
 * by their bytes (COLLATE "C"): that is their order everywhere else, and the cheaper one.
 *
 * Only the primary key of the journal leads with `shard`: plans made on a young table would use a second such index for
 * the probe of `first - 1`, and make the append several times slower (ARCHITECTURE.md section 1).
 */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE settings (
      key   text PRIMARY KEY,
      value text NOT NULL
    )`);
  await knex.raw(`
    CREATE TABLE journal (
      shard      int         NOT NULL CHECK (shard >= 0),
      seq        bigint      NOT NULL CHECK (seq >= 1),
      epoch      int         NOT NULL CHECK (epoch >= 1),
      version    int         NOT NULL CHECK (version >= 1),
      at         timestamptz NOT NULL,
      wake_at    timestamptz,
      entity_id  text        COLLATE "C" NOT NULL,
      command_id text        NOT NULL,
      events     json        NOT NULL,
      meta       json,
      PRIMARY KEY (shard, seq),
      UNIQUE (entity_id, version, shard)
    )`);
  await knex.raw(`
    CREATE TABLE snapshots (
      entity_id text        COLLATE "C" PRIMARY KEY,
      shard     int         NOT NULL,
      version   int         NOT NULL,
      schema    int         NOT NULL,
      state     json        NOT NULL,
      at        timestamptz NOT NULL
    )`);
  await knex.raw(`
    CREATE TABLE projection_checkpoints (
      shard int    PRIMARY KEY,
      seq   bigint NOT NULL
    ) WITH (fillfactor = 50)`);
  await knex.raw(`
    CREATE TABLE order_view (
      order_id           uuid        PRIMARY KEY,
      shard              int         NOT NULL,
      first_seq          bigint      NOT NULL,
      version            int         NOT NULL,
      customer_id        text        NOT NULL,
      status             text        NOT NULL,
      settled            boolean     NOT NULL,
      currency           text        NOT NULL,
      total_amount       bigint      NOT NULL,
      line_count         int         NOT NULL,
      units              bigint      NOT NULL,
      external_reference text,
      created_at         timestamptz NOT NULL,
      updated_at         timestamptz NOT NULL,
      state              json        NOT NULL
    ) WITH (fillfactor = 70)`);
  await knex.raw(`CREATE INDEX order_view_newest ON order_view (created_at DESC, order_id DESC)`);
  await knex.raw(`CREATE INDEX order_view_customer ON order_view (customer_id, created_at DESC, order_id DESC)`);
  await knex.raw(`CREATE INDEX order_view_status ON order_view (status, created_at DESC, order_id DESC)`);
  await knex.raw(`
    CREATE TABLE stock_view (
      product_id          text        COLLATE "C" NOT NULL,
      warehouse_id        text        NOT NULL,
      shard               int         NOT NULL,
      version             int         NOT NULL,
      on_hand             bigint      NOT NULL,
      held                bigint      NOT NULL,
      low_stock_threshold bigint,
      updated_at          timestamptz NOT NULL,
      PRIMARY KEY (product_id, warehouse_id),
      CHECK (held >= 0 AND held <= on_hand)
    ) WITH (fillfactor = 50)`);
  await knex.raw(`
    CREATE TABLE wake_ups (
      entity_id text        COLLATE "C" PRIMARY KEY,
      shard     int         NOT NULL,
      wake_at   timestamptz NOT NULL
    )`);
  await knex.raw(`CREATE INDEX wake_ups_shard ON wake_ups (shard)`);
}

export function down(): Promise<void> {
  return Promise.reject(new Error('migrations are forward only'));
}
