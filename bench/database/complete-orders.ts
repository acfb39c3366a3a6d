/** Owns the count of orders that Holdfast's read model has as complete, to hold against what was answered. */
import pg from 'pg';

const COMPLETE = `SELECT count(*)::float8 AS count FROM order_view WHERE status = 'Confirmed' AND settled`;

/** Confirmed, with nothing outstanding: captured. The audit has compared the read model with the journal. */
export async function completeOrders(databaseUrl: string): Promise<number> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  try {
    const { rows } = await client.query<{ count: number }>(COMPLETE);
    return rows[0]!.count;
  } finally {
    await client.end();
  }
}
