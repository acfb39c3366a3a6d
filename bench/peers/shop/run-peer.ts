/**
 * The processes of a peer: a primary that makes the tables and starts the workers, and workers that share a port.
 *
 * Settings: PORT, DATABASE_URL, JWT_SECRET, WORKERS, POOL (connections a worker).
 */
import cluster from 'node:cluster';
import pg from 'pg';
import { createEdge } from './edge.ts';
import type { Place } from './order.ts';
import { SCHEMA } from './schema.ts';
import { ShopTables } from './shop-tables.ts';

export interface Peer {
  /** Makes its own tables beside the shared ones, before there are workers. */
  prepare?(primary: PeerPrimary): Promise<void>;
  /** Called once in every worker. */
  open(worker: PeerWorker): Promise<Place>;
}

export interface PeerPrimary {
  readonly databaseUrl: string;
  readonly client: pg.Client;
  readonly workers: number;
}

export interface PeerWorker {
  /** From 1 on, the same after a restart. */
  readonly number: number;
  readonly pool: pg.Pool;
  readonly tables: ShopTables;
  /** One more pool, of as many connections. */
  openPool(connections: number): pg.Pool;
}

const SESSION = [
  // The durability that Holdfast's journal sessions set, whatever the server's default.
  'synchronous_commit=on',
  // A plan that was made on young tables must not read all of them for a few rows later: rows are found by an index.
  'enable_seqscan=off',
  'enable_hashjoin=off',
  'enable_mergejoin=off',
  // What PostgreSQL thinks expensive for lack of a way that is left to it is not worth compiling.
  'jit=off',
];

const { PORT = '3102', DATABASE_URL, JWT_SECRET, WORKERS = '2', POOL = '10' } = process.env;

export async function runPeer(peer: Peer): Promise<void> {
  if (DATABASE_URL === undefined || JWT_SECRET === undefined) {
    console.error('A peer needs DATABASE_URL and JWT_SECRET.');
    process.exit(1);
  }
  if (cluster.isPrimary) await startWorkers(peer, DATABASE_URL);
  else await serve(peer, DATABASE_URL, JWT_SECRET);
}

async function startWorkers(peer: Peer, databaseUrl: string): Promise<void> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  await client.query(SCHEMA);
  await peer.prepare?.({ databaseUrl, client, workers: Number(WORKERS) });
  await client.end();
  for (let index = 0; index < Number(WORKERS); index++) cluster.fork();
  // A yardstick that loses a worker measures something else: the whole service ends, and bench notices.
  cluster.on('exit', () => process.exit(1));
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(0));
}

async function serve(peer: Peer, databaseUrl: string, secret: string): Promise<void> {
  process.on('disconnect', () => process.exit(0));
  process.on('SIGINT', () => undefined);
  const options = SESSION.map((setting) => `-c ${setting}`).join(' ');
  const openPool = (max: number): pg.Pool => new pg.Pool({ connectionString: databaseUrl, max, options });
  const pool = openPool(Number(POOL));
  const tables = new ShopTables(pool);
  const place = await peer.open({ number: cluster.worker!.id, pool, tables, openPool });
  const server = createEdge(place, tables, secret).listen(Number(PORT), '127.0.0.1');
  await new Promise<void>((resolve, reject) => {
    server.once('listening', resolve);
    server.once('error', reject);
  });
}
