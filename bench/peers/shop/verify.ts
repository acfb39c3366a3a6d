/**
 * Proves that a peer's answers were true: every order that it answered as Confirmed stands in its tables, captured
 * once, with its stock held, and no other order was lost. A peer that loses orders has no figure either.
 */
import pg from 'pg';

const questions = (isUnderWay: string): string => `
with ends as (
  select o.status = 'Confirmed' and r.status = 'Held' and p.status = 'Captured' and p.amount = o.total as is_complete,
    o.status = 'Cancelled' and r.order_id is null and p.order_id is null as is_cancelled, ${isUnderWay} as is_under_way
  from orders o left join reservations r on r.order_id = o.id left join payments p on p.order_id = o.id),
reserved as (
  select line ->> 0 as product, sum((line ->> 1)::bigint) as quantity
  from reservations, jsonb_array_elements(lines) line group by 1)
select (select count(*) from ends where is_complete)::float8 as complete,
  (select count(*) from ends where (is_complete or is_cancelled or is_under_way) is not true)::float8 as lost,
  (select count(*) from payments where status = 'Captured')::float8 as captured,
  (select count(*) from outbox where type = 'PaymentCaptured')::float8 as captures,
  (select count(distinct order_id) from outbox where type = 'PaymentCaptured')::float8 as "ordersWithCapture",
  (select count(*) from stock full join reserved using (product)
    where coalesce(held, 0) <> coalesce(quantity, 0))::float8 as "unbalancedProducts"`;

interface Answers {
  readonly complete: number;
  readonly lost: number;
  readonly captured: number;
  readonly captures: number;
  readonly ordersWithCapture: number;
  readonly unbalancedProducts: number;
}

/**
 * The faults in a peer's database, as sentences; empty where `ordersAnswered` and the tables agree.
 *
 * @param isUnderWay SQL: whether order `o` is one that the peer would take to its end after a restart
 */
export async function verifyPeer(databaseUrl: string, ordersAnswered: number, isUnderWay = 'false'): Promise<string[]> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  try {
    // Where nothing vacuums, the planner takes tables of hundreds of thousands of rows for empty, and joins them by loops.
    await client.query('ANALYZE');
    const { rows } = await client.query<Answers>(questions(isUnderWay));
    const { complete, lost, captured, captures, ordersWithCapture, unbalancedProducts } = rows[0]!;
    const problems: string[] = [];
    // A client that was cut off does not know of its order.
    if (complete < ordersAnswered) problems.push(`${complete} orders are complete, ${ordersAnswered} were answered so`);
    if (lost > 0) problems.push(`${lost} orders are neither complete nor cancelled, and no worker works on them`);
    if (captures !== captured || ordersWithCapture !== captured)
      problems.push(`${captured} payments are captured, by ${captures} captures of ${ordersWithCapture} orders`);
    if (unbalancedProducts > 0)
      problems.push(`${unbalancedProducts} products hold other than what is reserved of them`);
    return problems;
  } finally {
    await client.end();
  }
}
