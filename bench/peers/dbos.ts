/**
 * The DBOS peer: the same orders on the durable workflows of DBOS Transact (MIT), whose system tables lie in the schema
 * `dbos` of the same database and are written over the same connections. Nothing leaves the machine: no Conductor, no
 * exporter of traces or logs.
 */
import { DBOS } from '@dbos-inc/dbos-sdk';
import { registerOrderWorkflow } from './dbos/order-workflow.ts';
import { runPeer } from './shop/run-peer.ts';

await runPeer({
  // Workers that migrate at the same time fail: DBOS does not lock its tables for it.
  prepare: ({ databaseUrl }) => DBOS.migrate(databaseUrl),
  open: async (worker) => {
    const place = registerOrderWorkflow(worker);
    DBOS.setConfig({
      name: 'orders',
      systemDatabasePool: worker.pool,
      runMigrations: false,
      // The same after a restart, so that each worker takes up its own workflows again.
      executorID: `worker-${worker.number}`,
      // Events, messages and streams between workflows are not used.
      useListenNotify: false,
      logLevel: 'error',
      enableOTLP: false,
      tracingEnabled: false,
    });
    await DBOS.launch();
    return place;
  },
});
