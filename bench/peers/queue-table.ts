/**
 * The queue-table peer: plain SQL and a table of jobs, as an engineer builds it whose orders have to survive a restart
 * half-way. Each step is a transaction over all orders that wait for it. Written to be fast and right, never to lose,
 * like the plain-SQL peer, with which it shares tables and edge.
 */
import { prepareJobs } from './queue-table/job-queue.ts';
import { OrderFlow } from './queue-table/order-flow.ts';
import { runPeer } from './shop/run-peer.ts';

await runPeer({
  prepare: prepareJobs,
  open: async (worker) => {
    const flow = new OrderFlow(worker);
    flow.start();
    return (order) => flow.place(order);
  },
});
