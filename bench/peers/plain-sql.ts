/**
 * The plain-SQL peer: the service that an engineer would write by hand for the same contract, without actors and
 * without batching. Bench measures Holdfast against it in the same run, so it is written to be fast and right, never to
 * lose: prepared statements, a pool a worker, a cache of verified tokens.
 */
import { OrderStore } from './plain-sql/order-store.ts';
import { runPeer } from './shop/run-peer.ts';

await runPeer({
  open: async ({ pool, tables }) => {
    const store = new OrderStore(pool, (order) => tables.replay(order));
    return (order) => store.place(order);
  },
});
