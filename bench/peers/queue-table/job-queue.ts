/**
 * The queue in the database: one row for each order with steps to come, in the queue of the worker that took the
 * request. A job is taken in the same transaction that does its step and puts the next one in, so none is done twice
 * and none is lost; `skip locked` lets several loops take from one queue without waiting for each other.
 */
import type { PeerPrimary } from '../shop/run-peer.ts';
import type { Query } from '../shop/transaction.ts';

export type Step = 'reserve' | 'authorize' | 'capture';

/** Enough that a loop keeps up with any load, few enough that the first of a batch does not wait for long. */
export const BATCH_MAX = 256;

const SCHEMA = `
create table if not exists jobs(
  worker int not null,
  step text not null,
  id bigserial,
  order_id uuid not null,
  primary key (worker, step, id))`;

/** Physical addresses are safe here: what this statement has locked can't move before it deletes it. */
const TAKE = `
delete from jobs where ctid = any(array(
  select ctid from jobs where worker = $1 and step = $2 order by id limit $3 for update skip locked))
returning order_id as id`;

/** Makes the table, and hands over the jobs of workers that no longer exist. */
export async function prepareJobs({ client, workers }: PeerPrimary): Promise<void> {
  await client.query(SCHEMA);
  await client.query('update jobs set worker = 1 + id % $1::int where worker > $1::int', [workers]);
}

/** An insert for orders in `moved`. */
export function enqueueMoved(worker: number, step: Step, where = ''): string {
  return `insert into jobs(worker, step, order_id) select ${worker}, '${step}', id from moved ${where}`;
}

/** @returns ids of orders, {@link BATCH_MAX} at most */
export async function takeJobs(query: Query, worker: number, step: Step): Promise<string[]> {
  const taken = await query<{ id: string }>('take-jobs', TAKE, [worker, step, BATCH_MAX]);
  return taken.rows.map(({ id }) => id);
}
