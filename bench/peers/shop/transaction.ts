/** The peers' access to PostgreSQL: named statements, each prepared once a connection, and transactions. */
import type pg from 'pg';

export type Query = <Row extends pg.QueryResultRow = pg.QueryResultRow>(
  name: string,
  text: string,
  values: readonly unknown[],
) => Promise<pg.QueryResult<Row>>;

/** Each statement commits by itself. */
export function statementsOn(connection: pg.Pool | pg.PoolClient): Query {
  return (name, text, values) => connection.query({ name, text, values: [...values] });
}

export async function inTransaction<Result>(pool: pg.Pool, work: (query: Query) => Promise<Result>): Promise<Result> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    const result = await work(statementsOn(client));
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
}
