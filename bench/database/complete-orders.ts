/** Counts the orders that are complete in Holdfast's read model, to compare with the answers. */
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
