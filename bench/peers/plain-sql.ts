/**
 * Owns the processes of the plain-SQL peer: the service that an engineer would write by hand for the same contract,
 * without actors and without batching. Bench measures Holdfast against it in the same run, so it is written to be
 * fast and right, never to lose: prepared statements, a pool a worker, a cache of verified tokens.
 *
 * Settings: PORT, DATABASE_URL, JWT_SECRET, WORKERS, POOL (connections a worker).
 */
import cluster from 'node:cluster';
import pg from 'pg';
import { createEdge } from './plain-sql/edge.ts';
import { OrderStore } from './plain-sql/order-store.ts';
import { SCHEMA } from './plain-sql/schema.ts';

const { PORT = '3102', DATABASE_URL, JWT_SECRET, WORKERS = '2', POOL = '10' } = process.env;

if (DATABASE_URL === undefined || JWT_SECRET === undefined) {
  console.error('The plain-SQL peer needs DATABASE_URL and JWT_SECRET.');
  process.exit(1);
}

if (cluster.isPrimary) await startWorkers(DATABASE_URL);
else await serve(DATABASE_URL, JWT_SECRET);

async function startWorkers(databaseUrl: string): Promise<void> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  await client.query(SCHEMA);
  await client.end();
  for (let index = 0; index < Number(WORKERS); index++) cluster.fork();
  // A yardstick that loses a worker measures something else: the whole service ends, and bench notices.
  cluster.on('exit', () => process.exit(1));
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(0));
}

async function serve(databaseUrl: string, secret: string): Promise<void> {
  process.on('disconnect', () => process.exit(0));
  process.on('SIGINT', () => undefined);
  // The durability that Holdfast's journal sessions set, whatever the server's default.
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: Number(POOL),
    options: '-c synchronous_commit=on',
  });
  const server = createEdge(new OrderStore(pool), secret).listen(Number(PORT), '127.0.0.1');
  await new Promise<void>((resolve, reject) => {
    server.once('listening', resolve);
    server.once('error', reject);
  });
}
