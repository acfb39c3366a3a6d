/** What the relay promises consumers: every public event, in order per entity, under the same id each time. */
import { KINDS } from '../../actors/index.ts';
import { expect } from 'chai';
import fc from 'fast-check';
import { InMemoryJournalStore, InMemoryLog } from '../../persistence/in-memory/journal-store.ts';
import { InMemoryRelayStore } from '../../persistence/in-memory/relay-store.ts';
import type { JournalRow, ShardHead } from '../../persistence/ports.ts';
import { placed, ROW_AT, take } from '../../test/support/journal-rows.ts';
import { testMessages } from '../../test/support/message-origin.ts';
import { orderIdOf } from '../../test/support/order-states.ts';
import { HeldClock } from '../../test/support/manual-clock.ts';
import { keptLog } from '../../test/support/silent-log.ts';
import { turns, waitUntil } from '../../test/support/wait-until.ts';
import type { PublicMessage } from '../contracts/public-message.ts';
import { UnpublishableError } from '../rabbitmq/publication.ts';
import { EventRelay, type EventRelayDeps } from './event-relay.ts';

const SHARD = 3;
const CONFIRMED = { type: 'OrderConfirmed' } as const;
const PRIVATE = { type: 'AuthorizationStarted', amount: 1, currency: 'GBP' } as const;
const entityOf = (n: number): string => `ord_${orderIdOf(n)}`;

/** A broker that answers, refuses, or keeps still as a test says. */
class ScriptedBroker {
  isUp = true;
  /** Confirmed, in this order. */
  readonly confirmed: PublicMessage[] = [];
  sent = 0;
  refuses: (message: PublicMessage) => boolean = () => false;
  fails: (message: PublicMessage) => Error | undefined = () => undefined;
  #gate: Promise<void> = Promise.resolve();

  /** Nothing is answered until the returned function is called. */
  hold(): () => void {
    let open = (): void => undefined;
    this.#gate = new Promise((resolve) => (open = resolve));
    return open;
  }

  publish = async (message: PublicMessage): Promise<void> => {
    this.sent++;
    await this.#gate;
    await new Promise(setImmediate);
    if (!this.isUp) throw new Error('scripted: the connection broke');
    const failure = this.fails(message);
    if (failure) throw failure;
    if (this.refuses(message)) throw new Error('scripted: refused');
    this.confirmed.push(message);
  };

  get ids(): string[] {
    return this.confirmed.map(({ messageId }) => messageId);
  }
}

describe('event relay', () => {
  let log: InMemoryLog;
  let journal: InMemoryJournalStore;
  let store: InMemoryRelayStore;
  let broker: ScriptedBroker;
  let relays: EventRelay[];
  let clock: HeldClock;
  let kept: ReturnType<typeof keptLog>;
  let head: ShardHead;
  let versions: Map<string, number>;
  /** Of the message that has no form. */
  let badId = '';

  beforeEach(() => {
    log = new InMemoryLog();
    journal = new InMemoryJournalStore(log);
    store = new InMemoryRelayStore();
    broker = new ScriptedBroker();
    relays = [];
    clock = new HeldClock();
    kept = keptLog();
    versions = new Map();
  });
  afterEach(async () => {
    for (const relay of relays) await relay.close();
  });

  /** A worker takes the shard. */
  async function owner(): Promise<EventRelay> {
    const publish: EventRelayDeps['publish'] = (message, confirm) =>
      void broker.publish(message).then(
        () => confirm.resolve(),
        (error: unknown) => confirm.reject(error),
      );
    const gather: EventRelayDeps['gather'] = setImmediate;
    const relay = new EventRelay({
      kinds: KINDS,
      ...{ journal, store, publish, publishUnrouted: publish, gather, clock, log: kept.log, messages: testMessages() },
      brokerIsUp: () => broker.isUp,
    });
    relays.push(relay);
    head = await take(journal, SHARD);
    relay.own(SHARD, head);
    return relay;
  }

  /** Appends a row for each entity; `followed` by the relay as it commits, or found in the journal only. */
  async function write(
    followed: EventRelay | undefined,
    entities: readonly number[],
    events: readonly { type: string }[] = [CONFIRMED],
  ): Promise<JournalRow[]> {
    const rows = placed(
      head,
      entities.map((n) => {
        const entityId = entityOf(n);
        const version = (versions.get(entityId) ?? 0) + 1;
        versions.set(entityId, version);
        const commandId = `c${version}`;
        return {
          shard: SHARD,
          entityId,
          version,
          commandId,
          wakeAt: null,
          events: JSON.stringify(events),
          meta: null,
          at: ROW_AT,
        };
      }),
    );
    await journal.append(rows);
    head = { ...head, seq: rows.at(-1)!.seq };
    for (const row of rows) followed?.committed({ ...row, events });
    return rows;
  }

  const idsOf = (rows: readonly JournalRow[]): string[] =>
    rows.map(({ epoch, seq }) => `s${SHARD}-e${epoch}-q${seq}-0`);
  const published = (count: number): Promise<void> =>
    waitUntil(
      `${count} events are published`,
      () => broker.confirmed.length >= count,
      () => broker.ids,
    );
  const caughtUp = (relay: EventRelay): Promise<void> =>
    waitUntil(
      'nothing is left to publish',
      () => relay.figures.lagRows === 0,
      () => relay.figures,
    );
  const checkpoint = async (relay: EventRelay): Promise<number> => {
    await relay.save();
    return (await store.checkpoints([SHARD])).get(SHARD)!;
  };

  it('publishes each public event of a committed row once, and nothing of private ones', async () => {
    const relay = await owner();
    await caughtUp(relay);
    const rows = await write(relay, [1, 2]);
    await write(relay, [1], [PRIVATE]);
    await caughtUp(relay);
    expect(broker.ids).to.deep.equal(idsOf(rows));
    expect(await checkpoint(relay)).to.equal(head.seq);
  });

  it('publishes from the start of the journal when there was never a broker before', async () => {
    head = await take(journal, SHARD);
    const rows = await write(
      undefined,
      Array.from({ length: 1_700 }, (_, n) => n % 40),
    );
    const relay = await owner();
    await caughtUp(relay);
    expect([...broker.ids].sort()).to.deep.equal(idsOf(rows).sort());
  });

  it('sends an entity’s next event only after the one before is confirmed; others don’t wait', async () => {
    const relay = await owner();
    await caughtUp(relay);
    const open = broker.hold();
    await write(relay, [1, 1, 1, 2]);
    await turns();
    expect(broker.sent, 'the first of each').to.equal(2);
    open();
    await published(4);
    expect(await checkpoint(relay)).to.equal(head.seq);
  });

  it('a refused event holds back its own entity alone, and is sent again under the same id', async () => {
    const relay = await owner();
    await caughtUp(relay);
    let refusals = 0;
    broker.refuses = ({ headers }) => headers['cloudEvents_subject'] === entityOf(1) && refusals++ < 3;
    const rows = await write(relay, [1, 1, 2, 3]);
    await published(2);
    expect(broker.ids).to.have.members(idsOf(rows).slice(2));
    expect(await checkpoint(relay), 'behind the first that is not confirmed').to.equal(rows[0]!.seq - 1);
    await published(4);
    expect(broker.ids.slice(2)).to.deep.equal(idsOf(rows).slice(0, 2));
    expect(await checkpoint(relay)).to.equal(head.seq);
  });

  it('while the broker is away it holds little and reads nothing; afterwards all is published in order', async () => {
    const relay = await owner();
    await caughtUp(relay);
    broker.isUp = false;
    let reads = 0;
    const read = journal.readShard.bind(journal);
    journal.readShard = (...asked) => {
      reads++;
      return read(...asked);
    };
    const rows: JournalRow[] = [];
    for (let batch = 0; batch < 130; batch++)
      rows.push(
        ...(await write(
          relay,
          Array.from({ length: 100 }, (_, n) => n),
        )),
      );
    expect([broker.sent, reads]).to.deep.equal([0, 0]);
    expect(relay.figures.lagRows).to.equal(13_000);
    broker.isUp = true;
    relay.resume();
    await caughtUp(relay);
    expect(broker.confirmed).to.have.length(13_000);
    expectInOrder(broker.confirmed);
    expect(reads, 'what did not fit').to.be.greaterThan(0);
  });

  it('an owner that dies leaves nothing out: its successor publishes again what was not known to be confirmed', async () => {
    const first = await owner();
    await caughtUp(first);
    const early = await write(first, [1, 2]);
    await published(2);
    await first.save();
    const late = await write(first, [1, 2, 3]);
    await published(5);
    // No word of the last three was stored.
    store.saveCheckpoints = () => Promise.reject(new Error('scripted: dead'));
    await first.close();
    delete (store as Partial<InMemoryRelayStore>).saveCheckpoints;
    const second = await owner();
    await caughtUp(second);
    expect(broker.ids).to.deep.equal([...idsOf(early), ...idsOf(late), ...idsOf(late)]);
  });

  it('a former owner that is late moves no checkpoint back', async () => {
    const first = await owner();
    await caughtUp(first);
    await write(first, [1]);
    await published(1);
    const second = await owner();
    await write(second, [2]);
    await caughtUp(second);
    const at = await checkpoint(second);
    expect(await checkpoint(first)).to.equal(at);
  });

  describe('says what is at fault, once it lasts', () => {
    const texts = (relay: EventRelay): string => relay.failures.flatMap(({ text }) => text ?? []).join();
    const fail = (): Promise<never> => Promise.reject(new Error('scripted: disk full'));
    const lasts = (relay: EventRelay, step: () => unknown = () => undefined): Promise<void> =>
      waitUntil('it lasts', async () => {
        clock.advance(100);
        await step();
        return texts(relay) !== '';
      });

    it('when one event is refused, although others go through', async () => {
      const relay = await owner();
      await caughtUp(relay);
      broker.refuses = ({ headers }) => headers['cloudEvents_subject'] === entityOf(1);
      await write(relay, [1]);
      await lasts(relay, () => write(relay, [2]));
      expect(texts(relay)).to.include('an event could not be published').and.include('scripted: refused');
      broker.refuses = () => false;
      await caughtUp(relay);
      expect(texts(relay)).to.equal('');
    });

    it('when checkpoints can not be stored', async () => {
      const relay = await owner();
      await caughtUp(relay);
      store.saveCheckpoints = fail;
      await lasts(relay, async () => {
        await write(relay, [1]);
        await caughtUp(relay);
        await relay.save();
      });
      expect(texts(relay)).to.include('how far events are published').and.include('disk full');
    });

    it('when the journal can not be read', async () => {
      const relay = await owner();
      await caughtUp(relay);
      const readShard = journal.readShard.bind(journal);
      journal.readShard = fail;
      await write(undefined, [1]);
      await write(relay, [2]); // not the next one that it knows: it has to read
      await lasts(relay);
      expect(texts(relay)).to.include('events can not be read').and.include('disk full');
      journal.readShard = readShard;
      await caughtUp(relay);
      expect(texts(relay)).to.equal('');
    });

    it('when a shard that was taken can not be begun', async () => {
      store.checkpoints = fail;
      const relay = await owner();
      await lasts(relay);
      expect(texts(relay)).to.include('events can not be read');
    });
  });

  it('drops a shard that it loses: what is not sent yet is its next owner’s', async () => {
    const relay = await owner();
    await caughtUp(relay);
    const open = broker.hold();
    await write(relay, [1, 1]);
    await turns();
    relay.disown(SHARD);
    open();
    await turns(20);
    expect(broker.sent).to.equal(1);
    relay.committed({ ...(await write(undefined, [2]))[0]!, events: [CONFIRMED] });
    await turns(20);
    expect(broker.sent).to.equal(1);
  });

  it('says how long the oldest event waits, and logs it once while it lasts', async () => {
    const relay = await owner();
    await caughtUp(relay);
    expect(relay.figures.lagMs).to.equal(0);
    const open = broker.hold();
    await write(relay, [1]);
    expect(relay.figures.lagMs).to.equal(0);
    clock.advance(50_000);
    await write(relay, [2]);
    expect(relay.figures).to.include({ lagRows: 2, lagMs: 50_000 });
    clock.advance(20_000);
    const said = (): unknown[] => kept.lines.filter(({ msg }) => /events wait to be published/.test(String(msg)));
    await waitUntil('it is logged', () => said().length > 0);
    expect(said()[0]).to.include({ lagRows: 2, lagSeconds: 70, brokerIsUp: true });
    clock.advance(60_000);
    expect(relay.figures.lagMs).to.equal(130_000);
    let looks = 0;
    clock.monotonicMs = () => (looks++, 130_000);
    await waitUntil('it has looked again by itself', () => looks > 0);
    await turns();
    expect(said()).to.have.length(1);
    open();
    await caughtUp(relay);
    expect(relay.figures.lagMs).to.equal(0);
    await waitUntil('its end is logged', () => kept.lines.some(({ msg }) => msg === 'all events are published again'));
  });

  describe('a row that can’t be read', () => {
    const damage = (row: JournalRow): (() => void) => {
      const stored = log.shard(SHARD).find(({ seq }) => seq === row.seq)! as { events: string };
      const right = stored.events;
      stored.events = '[{"type":"Nonsense"}]';
      return () => (stored.events = right);
    };

    it('holds back its entity alone, is reported, and all of it is published by the next owner once it is mended', async () => {
      head = await take(journal, SHARD);
      const rows = await write(undefined, [1, 2, 1, 2]);
      const mend = damage(rows[0]!);
      const first = await owner();
      await caughtUp(first);
      expect(broker.ids).to.deep.equal(idsOf([rows[1]!, rows[3]!]));
      expect(first.figures.held).to.equal(1);
      const later = await write(first, [1, 2]);
      await caughtUp(first);
      expect(broker.ids.slice(2)).to.deep.equal(idsOf([later[1]!]));
      await first.close();

      const second = await owner();
      await caughtUp(second);
      expect(second.figures.held, 'it still can’t be read').to.equal(1);
      expect(broker.confirmed).to.have.length(3);
      await second.close();

      mend();
      const third = await owner();
      await published(6);
      expect(broker.ids.slice(3)).to.deep.equal(idsOf([rows[0]!, rows[2]!, later[0]!]));
      await waitUntil('it is held no more', async () => (await store.held([SHARD])).length === 0);
      const last = await write(third, [1]);
      await published(7);
      expect(broker.ids.at(-1)).to.equal(idsOf(last)[0]);
    });
  });

  for (const [cause, events, refuses] of [
    ['no message can be made of', [{ type: 'OrderCreated' }], () => false],
    ['has no form that a broker takes for', [CONFIRMED], ({ messageId }: PublicMessage) => messageId === badId],
  ] as const) {
    it(`an entity whose event ${cause} is held alone: others go on, and so does the checkpoint`, async () => {
      const relay = await owner();
      await waitUntil('it follows', () => relay.figures.lagRows === 0);
      broker.fails = (message) => (refuses(message) ? new UnpublishableError('too long') : undefined);
      const seq = head.seq + 1;
      badId = `s${SHARD}-e${head.epoch}-q${seq}-0`;
      await write(relay, [1], events);
      await write(relay, [2, 1, 2]);
      await waitUntil('the others are published', () => broker.confirmed.length === 2);
      await waitUntil('nothing is behind', () => relay.figures.lagRows === 0);
      expect(relay.figures.held).to.equal(1);
      const held = await store.held([SHARD]);
      expect(held).to.deep.equal([{ entityId: entityOf(1), shard: SHARD, seq }]);
      await relay.save();
      expect((await store.checkpoints([SHARD])).get(SHARD)).to.equal(head.seq);
      expect(kept.lines.filter(({ msg }) => String(msg).includes('published no further'))).to.have.length(1);
      relay.disown(SHARD);

      broker.fails = () => undefined; // as after a mended build
      const next = await owner();
      await waitUntil('what was held is tried again', () => next.figures.lagRows === 0);
      if (events[0].type === 'OrderConfirmed') {
        await waitUntil('it is published, in order', () => broker.confirmed.length === 4);
        expect(broker.ids.slice(2)[0]).to.equal(badId);
        await waitUntil('it is held no more', async () => (await store.held([SHARD])).length === 0);
      } else {
        expect((await store.held([SHARD])).length, 'it is still held').to.equal(1);
      }
    });
  }

  it('what commits while a held entity is read again is published with the rest of it', async () => {
    head = await take(journal, SHARD);
    const rows = await write(undefined, [1, 2]);
    await store.hold({ entityId: entityOf(1), shard: SHARD, seq: rows[0]!.seq, reason: 'was damaged' });
    await store.saveCheckpoints(new Map([[SHARD, rows[1]!.seq]]));
    let letGo = (): void => undefined;
    const read = journal.readEntities.bind(journal);
    journal.readEntities = async (...asked) => {
      const found = await read(...asked);
      await new Promise<void>((resolve) => (letGo = resolve));
      journal.readEntities = read;
      return found;
    };
    const relay = await owner();
    await waitUntil('the entity is being read', () => relay.figures.held === 1 && relay.figures.lagRows === 0);
    await turns();
    const late = await write(relay, [1]);
    letGo();
    await published(2);
    expect(broker.ids).to.deep.equal(idsOf([rows[0]!, late[0]!]));
  });

  it('whatever fails in between: every event, none before the one before it was published, ids that stay', async function () {
    this.timeout(60_000);
    const step = fc.record({ entities: fc.array(fc.nat(4), { minLength: 1, maxLength: 6 }), what: fc.nat(9) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
        log = new InMemoryLog();
        journal = new InMemoryJournalStore(log);
        store = new InMemoryRelayStore();
        broker = new ScriptedBroker();
        versions = new Map();
        let relay = await owner();
        let saves = true;
        store.saveCheckpoints = async (checkpoints) => {
          if (!saves) throw new Error('scripted: dead');
          await InMemoryRelayStore.prototype.saveCheckpoints.call(store, checkpoints);
        };
        const rows: JournalRow[] = [];
        for (const { entities, what } of steps) {
          rows.push(...(await write(relay, entities)));
          if (what < 3) await turns(what);
          else if (what === 3) await relay.save();
          else if (what === 4) broker.isUp = !broker.isUp;
          else if (what === 5) broker.refuses = () => Math.random() < 0.3;
          else if (what === 6) broker.refuses = () => false;
          else if (what === 7) {
            // kill -9 of the worker, with a connection that it leaves half-way
            saves = false;
            relay.disown(SHARD);
            await relay.close();
            saves = true;
            relay = await owner();
          }
          relay.resume();
        }
        broker.isUp = true;
        broker.refuses = () => false;
        relay.resume();
        await caughtUp(relay);
        expect([...new Set(broker.ids)].sort()).to.deep.equal(idsOf(rows).sort());
        expectInOrder(broker.confirmed);
        await relay.close();
      }),
      { numRuns: 60 },
    );
  });
});

/** A consumer that drops ids it knows sees each entity's versions rise. */
function expectInOrder(messages: readonly PublicMessage[]): void {
  const seen = new Set<string>();
  const versions = new Map<string, number>();
  for (const { messageId, headers } of messages) {
    if (seen.has(messageId)) continue;
    seen.add(messageId);
    const subject = String(headers['cloudEvents_subject']);
    const version = Number(headers['entity-version']);
    expect(version, subject).to.be.greaterThan(versions.get(subject) ?? 0);
    versions.set(subject, version);
  }
}
