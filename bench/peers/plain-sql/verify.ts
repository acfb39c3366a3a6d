/**
 * Owns the proof that the peer's answers were true: every order it answered as Confirmed stands in its tables,
 * captured, with its stock held. A yardstick that loses orders has no figure either.
 */
import pg from 'pg';

const QUESTIONS = `
select (select count(*) from orders)::float8 as orders,
  (select count(*) from orders o join payments p on p.order_id = o.id and p.amount = o.total
    join reservations r on r.order_id = o.id
    where o.status = 'Confirmed' and p.status = 'Captured' and r.status = 'Held')::float8 as complete,
  (select coalesce(sum(held), 0) from stock)::float8 as held,
  (select coalesce(sum((line ->> 1)::bigint), 0) from reservations, jsonb_array_elements(lines) line)::float8 as reserved`;

interface Answers {
  readonly orders: number;
  readonly complete: number;
  readonly held: number;
  readonly reserved: number;
}

/** What is wrong in the peer's database, as sentences; empty where `ordersAnswered` and the tables agree. */
export async function verifyPlainSql(databaseUrl: string, ordersAnswered: number): Promise<string[]> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  try {
    const { orders, complete, held, reserved } = (await client.query<Answers>(QUESTIONS)).rows[0]!;
    const problems: string[] = [];
    if (orders !== ordersAnswered) problems.push(`${orders} orders are stored, ${ordersAnswered} were answered`);
    if (complete !== orders) problems.push(`${orders - complete} orders are not confirmed, captured and reserved`);
    if (held !== reserved) problems.push(`stock holds ${held} units, reservations ${reserved}`);
    return problems;
  } finally {
    await client.end();
  }
}
