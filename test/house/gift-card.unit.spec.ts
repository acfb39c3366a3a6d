/**
 * The house is open: a kind that the program does not know, defined in one folder, runs in the real engine. Nothing
 * outside of test/house/ has a word of it.
 */
import { expect } from 'chai';
import { composeActors } from '../../actors/compose-actors.ts';
import { ACTORS } from '../../actors/index.ts';
import { AuditedKinds } from '../../audit/audited-kinds.ts';
import { asyncApiDocument } from '../../messaging/contracts/async-api.ts';
import { accepted } from '../../kernel/decider.ts';
import type { Answer } from '../../runtime/ask.ts';
import { startEdge, type EdgeHarness } from '../support/edge-harness.ts';
import { InMemoryNode, MortalJournalStore, World, type NodeOptions } from '../support/in-memory-node.ts';
import { waitUntil } from '../support/wait-until.ts';
import { giftCardEntity, CARD_POST, type IssuedCard } from './gift-card/gift-card.ts';
import { giftCardActor } from './gift-card/index.ts';
import { CardPost } from './gift-card/post.ts';

const COMPOSED = composeActors([...ACTORS, giftCardActor]);
const YEAR_MS = 365 * 86_400_000;

type Loose = Readonly<Record<string, unknown>> & { readonly type: string };

/** The same kind some releases later: a redemption names its till, and a holder can be greeted. */
function nextVersion(): typeof giftCardActor {
  const { decider, events } = giftCardActor;
  return {
    ...giftCardActor,
    events: { ...events, GiftCardRedeemed: [(stored) => ({ ...stored, till: 'unknown' })], GiftCardGreeted: [] },
    decider: {
      ...decider,
      decide: (state, command, at, answers) => {
        if (command.type === 'GreetHolder') return accepted({ type: 'GiftCardGreeted' });
        const decision = decider.decide(state, command, at, answers);
        if (command.type !== 'RedeemCard' || decision.kind !== 'accepted') return decision;
        return accepted({ ...decision.events[0], till: 'till-2' });
      },
      evolve: (state, event, at) => {
        const before = state as { readonly tills?: readonly string[] };
        if (event.type === 'GiftCardGreeted') return { ...before, greeted: true };
        const after = decider.evolve(state, event, at) as object;
        if (event.type !== 'GiftCardRedeemed') return { ...before, ...after };
        return { ...before, ...after, tills: [...(before.tills ?? []), (event as Loose)['till']] };
      },
    },
  };
}

describe('a kind of actor in one folder', () => {
  let world: World;
  let post: CardPost;
  let node: InMemoryNode;

  const start = (options: NodeOptions = {}): Promise<InMemoryNode> =>
    InMemoryNode.start({ world, types: [giftCardActor], outside: new Map([[CARD_POST, post]]), ...options });
  beforeEach(async () => {
    world = new World();
    post = new CardPost();
    node = await start();
  });
  afterEach(async () => {
    node.kill();
    await node.stop();
  });

  const ask = (cardId: string, command?: { readonly type: string }, settled = true): Promise<Answer> =>
    node.ask(giftCardEntity(cardId), command, settled ? { until: 'settled' } : {});
  const issue = (cardId: string, amount: number, holder = 'Ann'): Promise<Answer> => {
    const expiresAt = world.clock.nowMs() + YEAR_MS;
    return ask(cardId, { type: 'IssueCard', holder, amount, currency: 'EUR', expiresAt } as never);
  };
  const redeem = (cardId: string, amount: number): Promise<Answer> =>
    ask(cardId, { type: 'RedeemCard', amount } as never);
  const move = (cardId: string, to: string, amount: number): Promise<Answer> =>
    ask(cardId, { type: 'MoveBalance', to, amount } as never);
  const card = async (cardId: string): Promise<IssuedCard> => {
    const answer = await ask(cardId, undefined, false);
    if (answer.kind !== 'done') throw new Error(JSON.stringify(answer));
    return answer.value as IssuedCard;
  };
  const isBalanced = async (cardId: string): Promise<void> => {
    const state = await card(cardId);
    expect(giftCardActor.audit!.brokenAtEnd!(state), cardId).to.equal(undefined);
  };

  it('decides, calls its outside port, and is redeemed in parts', async () => {
    expect(await issue('A', 1_000)).to.deep.include({ kind: 'done' });
    expect([...post.letters]).to.deep.equal([['A', 'Ann']]);
    await redeem('A', 400);
    expect(await redeem('A', 700)).to.deep.equal({
      kind: 'rejected',
      refusal: { code: 'insufficient_balance', balance: 600 },
    });
    await redeem('A', 600);
    expect(await card('A')).to.deep.include({ status: 'Spent', balance: 0, redeemed: 1_000 });
    await isBalanced('A');
  });

  it('is void where the outside says no', async () => {
    await issue('A', 1_000, 'nowhere');
    expect(await card('A')).to.deep.include({ status: 'Void', balance: 0, forfeited: 1_000 });
    await isBalanced('A');
  });

  it('takes a step to another entity, and takes it back where that one refuses', async () => {
    await issue('A', 1_000);
    await issue('B', 50);
    await move('A', 'B', 300);
    expect(await card('A')).to.deep.include({ balance: 700, moved: 300, move: undefined });
    expect(await card('B')).to.deep.include({ balance: 350, received: 300 });
    await move('A', 'nobody', 700);
    expect(await card('A')).to.deep.include({ balance: 700, moved: 300, status: 'Active' });
    for (const cardId of ['A', 'B']) await isBalanced(cardId);
  });

  it('does what is due when its day has come', async () => {
    await issue('A', 1_000);
    await node.projections.flush();
    node.pass(YEAR_MS + 1_000); // wake-ups are due by whole seconds
    await waitUntil('the card to expire', async () => (await card('A')).status === 'Expired');
    expect(await card('A')).to.deep.include({ balance: 0, forfeited: 1_000 });
    expect(await redeem('A', 1)).to.deep.include({ kind: 'rejected' });
  });

  for (let commits = 1; commits <= 7; commits++)
    it(`moves once, and loses nothing, where its node dies at commit ${commits}`, async () => {
      node.kill();
      await node.stop();
      world = new World();
      const store = new MortalJournalStore(world.log, commits);
      node = await start({ store: () => store });
      for (const ask of [() => issue('A', 1_000), () => issue('B', 50), () => move('A', 'B', 300)])
        await Promise.race([ask(), store.died]);
      node.kill();
      await node.stop();
      node = await start();
      node.pass(60_000);
      for (const [cardId, amount] of [
        ['A', 1_000],
        ['B', 50],
      ] as const)
        await issue(cardId, amount);
      await node.quiet();
      const [from, to] = [await card('A'), await card('B')];
      expect(from.balance + to.balance).to.equal(1_050);
      expect([0, 300]).to.include(to.received);
      for (const cardId of ['A', 'B']) await isBalanced(cardId);
      expect(post.letters.size).to.equal(2);
    });

  it('reads rows of a former form through an upcaster, and takes an event more', async () => {
    await issue('A', 1_000);
    await redeem('A', 100);
    node.kill();
    await node.stop();
    node = await start({ types: [nextVersion()] });
    expect(await card('A')).to.deep.include({ balance: 900, tills: ['unknown'] });
    await ask('A', { type: 'GreetHolder' });
    await redeem('A', 200);
    expect(await card('A')).to.deep.include({ balance: 700, tills: ['unknown', 'till-2'], greeted: true });
    const stored = world.rowsOf(giftCardEntity('A')).flatMap(({ events }) => JSON.parse(events) as object[]);
    expect(stored).to.deep.include({ type: 'GiftCardRedeemed', amount: 100 });
    expect(stored).to.deep.include({ type: 'GiftCardRedeemed', amount: 200, till: 'till-2', v: 2 });
  });

  it('is shown in a view of its own', async () => {
    await issue('A', 1_000);
    await node.projections.flush();
    const [row, ...others] = [...world.readModels.rows(giftCardActor.view!).values()];
    expect(row).to.deep.include({ card_id: 'A', holder: 'Ann', status: 'Active', balance: 1_000, settled: true });
    expect(others).to.deep.equal([]);
  });

  it('is one of the kinds of messages, documents and audits', () => {
    const types = Object.keys((asyncApiDocument(COMPOSED.events, []) as { channels: object }).channels);
    expect(types).to.include.members(['gift-card.issued.v1', 'gift-card.expired.v1', 'order.created.v1']);
    const { groups } = new AuditedKinds([...ACTORS, giftCardActor]);
    expect(groups.map(({ root }) => root.kind)).to.include('gift-card');
    expect(COMPOSED.settings.map(({ name }) => name)).to.include('CARD_POST');
  });

  describe('over HTTP', () => {
    let edge: EdgeHarness;
    beforeEach(async () => (edge = await startEdge({ actors: node.region }, COMPOSED)));
    afterEach(() => edge.close());

    it('serves its operations, with keys, roles and problems of its own', async () => {
      const path = '/api/v1/gift-cards/A';
      const json = { holder: 'Ann', amount: { amount: 1_000, currency: 'EUR' } };
      const headers = { 'idempotency-key': 'k1' };
      expect((await edge.send(path, { method: 'PUT', json })).status, 'a customer').to.equal(403);
      const issued = await edge.send(path, { method: 'PUT', json, headers, token: edge.tokens.admin });
      expect(issued.body).to.deep.include({ cardId: 'A', balance: { amount: 1_000, currency: 'EUR' } });
      const again = await edge.send(path, { method: 'PUT', json, headers, token: edge.tokens.admin });
      expect(again.headers.get('idempotent-replayed')).to.equal('true');
      await waitUntil('the card to be sent', async () => (await card('A')).status === 'Active');
      const redeemed = { method: 'POST', json: { amount: 2_000 }, token: edge.tokens.support };
      const refused = await edge.send(`${path}/redeem`, redeemed);
      expect(refused.status).to.equal(409);
      expect(refused.body).to.deep.include({ code: 'insufficient_balance', retryable: false });
      const { body } = await edge.send('/openapi.json', { token: null });
      expect(body['paths']).to.include.keys('/api/v1/gift-cards/{cardId}', '/api/v1/gift-cards/{cardId}/redeem');
    });
  });
});
