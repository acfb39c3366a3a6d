/** Reads the database for the judge, around the proxies: plain statements of its own, a page at a time. */
import pg from 'pg';
import type { OrderViewRow } from './check-views.ts';
import { type JournalFacts, JournalScan, type ScannedEvent } from './journal-scan.ts';

const PAGE_ROWS = 5_000;

interface JournalRecord {
  readonly shard: number;
  readonly seq: string;
  readonly epoch: number;
  readonly entity_id: string;
  readonly version: number;
  readonly events: readonly ScannedEvent[];
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, application_name: 'holdfast/chaos' });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Orders whose read model has outstanding steps, and entities that wait to be woken. */
export function countUnsettled(url: string): Promise<number> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ count: string }>(
      'SELECT (SELECT count(*) FROM order_view WHERE NOT settled) + (SELECT count(*) FROM wake_ups) AS count',
    );
    return Number(rows[0]!.count);
  });
}

export function scanJournal(url: string): Promise<JournalFacts> {
  return withClient(url, async (client) => {
    const scan = new JournalScan();
    let after: readonly [shard: number, seq: string] = [-1, '0'];
    for (;;) {
      const { rows } = await client.query<JournalRecord>(
        `SELECT shard, seq, epoch, entity_id, version, events FROM journal
         WHERE (shard, seq) > ($1, $2) ORDER BY shard, seq LIMIT ${PAGE_ROWS}`,
        [...after],
      );
      for (const { shard, seq, epoch, entity_id: entityId, version, events } of rows) {
        scan.add({ shard, seq: Number(seq), epoch, entityId, version, events });
      }
      const last = rows.at(-1);
      if (last === undefined) return scan.finish();
      after = [last.shard, last.seq];
    }
  });
}

export function readOrderViews(url: string): Promise<OrderViewRow[]> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<Omit<OrderViewRow, 'total'> & { total: string }>(
      `SELECT order_id AS "orderId", external_reference AS reference, status, settled, version,
              total_amount AS total, customer_id AS customer FROM order_view`,
    );
    return rows.map((row) => ({ ...row, total: Number(row.total) }));
  });
}
