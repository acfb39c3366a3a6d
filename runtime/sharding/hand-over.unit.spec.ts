/**
 * Several workers over one log: shards go from one to another under load, on request, by death and by a lapse of
 * leases.
 */
import { expect } from 'chai';
import { InMemoryCluster } from '../../test/support/in-memory-cluster.ts';
import type { InMemoryNode } from '../../test/support/in-memory-node.ts';
import { orderIdOf } from '../../test/support/order-states.ts';
import { ScriptedJournalStore } from '../../test/support/scripted-journal-store.ts';
import { turns, waitUntil } from '../../test/support/wait-until.ts';
import type { Answer } from '../ask.ts';

const PRODUCTS = ['P1', 'P2', 'P3', 'P4', 'P5'];
const ON_HAND = 10_000;
const CLIENTS = 12;

describe('shards on their way between workers', function () {
  this.timeout(60_000);
  let cluster: InMemoryCluster;
  beforeEach(() => (cluster = new InMemoryCluster()));
  afterEach(() => cluster.stop());

  const isServed = (): Promise<void> =>
    waitUntil(
      'every shard is served',
      () => cluster.served,
      () => [...cluster.nodes.values()].map(({ workerId, dead, region }) => [workerId, dead, region.figures]),
    );
  const epochsBegun = (): number =>
    [...cluster.world.log.shards.values()].reduce((sum, rows) => sum + (rows.at(-1)?.epoch ?? 0), 0);
  const living = (): InMemoryNode[] => [...cluster.nodes.values()].filter(({ dead }) => !dead);

  /** Clients that place orders, each through the workers in turn, until told to stop. */
  class Load {
    readonly answers = new Map<string, Answer[]>();
    placed = 0;
    #stopping = false;
    readonly #clients: Promise<void[]>;

    constructor(through: () => readonly InMemoryNode[]) {
      this.#clients = Promise.all(Array.from({ length: CLIENTS }, (_, client) => this.#client(client, through)));
    }

    async #client(client: number, through: () => readonly InMemoryNode[]): Promise<void> {
      for (let round = 0; !this.#stopping; round++) {
        const orderId = orderIdOf(client * 1_000_000 + round);
        const nodes = through();
        const node = nodes[(client + round) % nodes.length]!;
        const lines = [0, 1].map((line) => {
          const productId = PRODUCTS[(client + round + line) % PRODUCTS.length]!;
          return { productId, quantity: 1 + line, unitPrice: 10 };
        });
        const heard: Answer[] = [];
        this.answers.set(orderId, heard);
        heard.push(await node.place(orderId, { lines }, { until: 'durable' }));
        this.placed++;
      }
    }

    async until(placed: number): Promise<void> {
      await waitUntil(
        `${placed} orders are placed`,
        () => this.placed >= placed,
        () => this.placed,
      );
    }

    async end(): Promise<void> {
      this.#stopping = true;
      await this.#clients;
    }
  }

  const seed = async (node: InMemoryNode): Promise<void> => {
    for (const productId of PRODUCTS) expect((await node.setStock(productId, ON_HAND)).kind).to.equal('done');
  };

  /** Every ask was answered once and right, every order settles, nothing is lost or held twice. */
  const expectAllIsWell = async (load: Load): Promise<void> => {
    const { world } = cluster;
    for (const [orderId, answers] of load.answers) {
      expect(answers, orderId).to.have.length(1);
      const [answer] = answers;
      expect(answer, orderId).to.deep.include({ kind: 'done' });
      expect((answer as { value: { orderId: string } }).value.orderId).to.equal(orderId);
    }
    const isSettled = async (): Promise<boolean> => {
      for (const node of living()) {
        await node.projections.flush();
        await node.ownership!.confirm();
      }
      world.clock.advance(1_000);
      for (const node of living()) node.region.wakeDue();
      await turns(5);
      return [...load.answers.keys()].every((orderId) => world.readModels.order(orderId)?.settled === true);
    };
    await waitUntil(
      'every order is settled',
      isSettled,
      () => [...world.readModels.orders.values()].filter(({ settled }) => !settled).map(({ state }) => state.status),
      30_000,
    );
    for (const node of living()) await node.quiet();
    const held = new Map(PRODUCTS.map((productId) => [productId, 0]));
    for (const orderId of load.answers.keys()) {
      const { state } = world.readModels.order(orderId)!;
      expect(state.status).to.equal('Confirmed');
      for (const { productId, quantity } of state.terms.lines) held.set(productId, held.get(productId)! + quantity);
    }
    for (const productId of PRODUCTS) {
      const { held: found, onHand } = await living()[0]!.stock(productId);
      expect({ productId, held: found, onHand }).to.deep.equal({
        productId,
        held: held.get(productId),
        onHand: ON_HAND,
      });
    }
    expect(world.provider.moved('capture')).to.equal(load.answers.size * 30);
    for (const [shard, rows] of world.log.shards) {
      expect(
        rows.map(({ seq }) => seq),
        `shard ${shard} is dense`,
      ).to.deep.equal(rows.map((_, index) => index + 1));
      for (const [index, { epoch }] of rows.entries())
        expect(epoch, `epochs of shard ${shard}`).to.be.at.least(rows[index - 1]?.epoch ?? 1);
    }
    for (const [entityId, rows] of world.log.entities) {
      expect(
        rows.map(({ version }) => version),
        entityId,
      ).to.deep.equal(rows.map((_, index) => index + 1));
    }
    for (const { region } of living())
      expect(region.figures).to.deep.include({ crashes: 0, quarantined: [], parked: 0 });
  };

  it('go to workers that come, and from one that drains: no caller notices, and nothing is applied twice', async () => {
    const first = await cluster.start('w0');
    await isServed();
    await seed(first);
    const load = new Load(living);
    await load.until(60);
    const second = await cluster.start('w1');
    await load.until(150);
    const third = await cluster.start('w2');
    await waitUntil('each serves some', () => living().every(({ region }) => region.figures.shardsOwned > 0));
    await load.until(300);
    expect(cluster.carried, 'asks go between workers').to.be.greaterThan(100);
    first.ownership!.drain();
    await waitUntil('it has given all away', () => first.ownership!.held.size === 0);
    await load.until(load.placed + 60);
    await load.end();
    await isServed();
    expect(first.region.figures.shardsOwned).to.equal(0);
    expect(second.region.figures.shardsOwned + third.region.figures.shardsOwned).to.equal(cluster.shards);
    for (const [answer] of load.answers.values()) expect(answer).to.deep.include({ kind: 'done', replayed: false });
    await expectAllIsWell(load);
  });

  it('are not handed over while they are being taken: the epoch row on its way would end the next owner’s', async () => {
    let open = (): void => undefined;
    const first = await cluster.start('w0', {
      store: (log) => {
        const store = new ScriptedJournalStore(log);
        open = store.holdTakes();
        return store;
      },
    });
    const { ownership } = first;
    await waitUntil('it has claimed all', () => ownership!.held.size === cluster.shards);
    const second = await cluster.start('w1');
    await waitUntil(
      'each knows the other',
      () => ownership!.members.size === 2 && second.ownership!.members.size === 2,
    );
    await ownership!.confirm();
    await ownership!.confirm();
    const heldEarly = second.ownership!.held.size;
    open();
    await isServed();
    expect(heldEarly, 'held before the first has taken any').to.equal(0);
    const moved = second.region.figures.shardsOwned;
    expect(moved).to.be.greaterThan(0);
    expect(epochsBegun()).to.equal(cluster.shards + moved);
  });

  it('of a worker that died go to the others: asks that it left unanswered are answered by them', async () => {
    const [first, second] = [await cluster.start('w0'), await cluster.start('w1')];
    await isServed();
    await seed(first);
    // Clients of the dead are dead to us, too: these come through the one that stays.
    const load = new Load(() => [first]);
    await load.until(100);
    expect(second.region.figures.shardsOwned).to.be.greaterThan(0);
    cluster.kill(second);
    await load.until(load.placed + 100);
    const third = await cluster.start('w2');
    await waitUntil('its successor serves some', () => third.region.figures.shardsOwned > 0);
    await load.until(load.placed + 50);
    await load.end();
    await isServed();
    await expectAllIsWell(load);
  });

  it('whose leases all ran out at once, as when the machine slept, are taken anew', async () => {
    const first = await cluster.start('w0');
    await cluster.start('w1');
    await isServed();
    await seed(first);
    const load = new Load(living);
    for (const placed of [50, 100, 150]) {
      await load.until(placed);
      const epochs = epochsBegun();
      cluster.world.clock.advance(4_000);
      expect(living().some(({ ownership }) => ownership!.valid)).to.equal(false);
      await waitUntil('every shard has a new epoch', () => epochsBegun() >= epochs + cluster.shards);
    }
    await load.until(load.placed + 50);
    await load.end();
    await isServed();
    await expectAllIsWell(load);
  });
});
