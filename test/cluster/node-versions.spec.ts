/** A node on the newer long-term versions of Node: it starts, takes orders, survives kills and a restart, and stops. */
import { existsSync } from 'node:fs';
import { expect } from 'chai';
import { nodeProgram, OTHER_NODES } from '../../scripts/fetch-nodes.mjs';
import { skipWithReason } from '../support/skip-with-reason.ts';
import { orderOf, TestNode, waitUntil } from './node-harness.ts';

const ORDERS = 60;
const CALLERS = 8;

for (const { version } of OTHER_NODES) {
  describe(`a node on Node ${version}`, () => {
    let node: TestNode;
    before(async function () {
      const program = nodeProgram(version);
      if (!existsSync(program)) {
        const reason = `Node ${version} is not here; "node scripts/fetch-nodes.mjs" fetches it`;
        if (process.env['CI'] === 'true') throw new Error(reason);
        skipWithReason(this, reason);
      }
      node = await TestNode.create({}, { program });
    });
    after(() => node?.remove());

    it('starts with its embedded database, and settles orders of every ending', async () => {
      await node.start();
      const stock = await node.request('PUT', '/api/v1/stock/A', { json: { onHand: 1_000 } });
      expect(stock.status).to.equal(200);
      for (const [token, code] of [
        ['tok_visa', undefined],
        ['tok_decline', 'payment_declined'],
        ['tok_capture_fail', 'payment_capture_failed'],
        ['tok_drop', undefined],
      ] as const) {
        const { cancellation } = await node.placeSurely(token, orderOf([['A', 1]], token));
        expect(cancellation?.code, token).to.equal(code);
      }
    });

    it('loses nothing when a worker is killed, and then all of it', async () => {
      let next = 0;
      const settled: string[] = [];
      const caller = async (): Promise<void> => {
        while (next < ORDERS) {
          const { orderId, status } = await node.placeSurely(`key-${next}`, orderOf([['A', 1]], `tok_${next++}`));
          expect(status).to.equal('Confirmed');
          settled.push(orderId);
        }
      };
      const kills = async (): Promise<void> => {
        await waitUntil('a third of the orders', () => settled.length >= ORDERS / 3, 60_000);
        process.kill((await node.workerPids())[0]!, 'SIGKILL');
        await waitUntil('two thirds of the orders', () => settled.length >= (2 * ORDERS) / 3, 60_000);
        await node.killAll();
        await node.start();
      };
      await Promise.all([kills(), ...Array.from({ length: CALLERS }, caller)]);
      expect(new Set(settled)).to.have.property('size', ORDERS);
    });

    it('restarts, audits clean, and stops with 0', async () => {
      expect(await node.stop()).to.equal(0);
      await node.start();
      expect((await node.request('GET', '/api/v1/stock/A')).body).to.include({ onHand: 1_000, held: ORDERS + 2 });
      const audit = await node.command('audit');
      expect(audit.code, audit.output).to.equal(0);
      expect(await node.stop()).to.equal(0);
    });
  });
}
