/** The seeding against the real edge: what it sets beside what others hold, and what it leaves alone the second time. */
import { expect } from 'chai';
import { stockEntity } from '../../actors/stock/stock.ts';
import { startEdge, type EdgeHarness } from '../../test/support/edge-harness.ts';
import { systemClock } from '../../kernel/clock.ts';
import { NodeClient } from './node-client.ts';
import { seedStock } from './seed-stock.ts';

const HOUR_MS = 3_600_000;

describe('the opening stock of a file', () => {
  let edge: EdgeHarness;
  let client: NodeClient;

  beforeEach(async () => {
    edge = await startEdge();
    client = new NodeClient({
      baseUrl: `http://127.0.0.1:${edge.port}`,
      token: edge.tokens.admin,
      connections: 4,
      patienceMs: 5_000,
      clock: systemClock,
    });
  });
  afterEach(async () => {
    await client.close();
    await edge.close();
  });

  const seed = (hash: string, units: Readonly<Record<string, number>>): Promise<void> =>
    seedStock(client, { onHand: new Map(Object.entries(units)), hash, fromStockFile: false }, () => undefined);
  const stockOf = async (productId: string): Promise<unknown> => {
    const { body } = await edge.send(`/api/v1/stock/${encodeURIComponent(productId)}`, { token: edge.tokens.admin });
    return { onHand: body['onHand'], held: body['held'] };
  };
  /** As an order does. */
  const hold = async (productId: string, quantity: number, reservationId: string): Promise<void> => {
    const command = {
      type: 'HoldStock',
      holdId: reservationId,
      quantity,
      notAfter: edge.clock.nowMs() + HOUR_MS,
    } as const;
    const ask = { to: stockEntity(productId), command, commandId: reservationId, until: 'durable', timeoutMs: 1_000 };
    const answer = await edge.actors.ask(ask as never);
    expect(answer.kind, JSON.stringify(answer)).to.equal('done');
  };

  it('comes beside what orders of another file hold', async () => {
    await seed('one', { 'a/b': 10, c: 3 });
    await hold('a/b', 10, 'res_1');
    await seed('two', { 'a/b': 4 });
    expect(await stockOf('a/b')).to.deep.equal({ onHand: 14, held: 10 });
    expect(await stockOf('c')).to.deep.equal({ onHand: 3, held: 0 });
  });

  it('is given once for a file, whatever is held by then, also beside another file', async () => {
    await seed('one', { a: 10 });
    await hold('a', 10, 'res_1');
    await seed('one', { a: 10 });
    expect(await stockOf('a')).to.deep.equal({ onHand: 10, held: 10 });
    await seed('two', { a: 4 });
    await seed('one', { a: 10 });
    await seed('two', { a: 4 });
    expect(await stockOf('a')).to.deep.equal({ onHand: 14, held: 10 });
  });

  it('of a start that broke off is completed', async () => {
    await seed('one', { a: 10 });
    await seed('one', { a: 10, b: 5 });
    expect(await stockOf('b')).to.deep.equal({ onHand: 5, held: 0 });
  });

  it('that is refused names the product and the reason', async () => {
    const error: unknown = await seed('one', { ' ': 1 }).catch((thrown: unknown) => thrown);
    expect(String(error)).to.match(/1 products was not taken.*\(4\d\d \w+\)/);
  });
});
