/** Group commit over a store that fails as told. The log is real; what callers were told is held against it. */
import { expect } from 'chai';
import fc from 'fast-check';
import { systemClock } from '../kernel/clock.ts';
import { pendingRow, ROW_AT, wholeLog } from '../test/support/journal-rows.ts';
import {
  type AppendScript,
  refused,
  ScriptedJournalStore,
  transient,
  unknown,
  WRITE,
} from '../test/support/scripted-journal-store.ts';
import { silentLog } from '../test/support/silent-log.ts';
import { turns, waitUntil } from '../test/support/wait-until.ts';
import { Journal, type AppendEntry } from './journal.ts';
import type { AppendOutcome, JournalRow, PendingRow } from './ports.ts';

type Outcome = 'committed' | AppendOutcome;

class Caller implements AppendEntry {
  readonly row: PendingRow;
  readonly outcomes: Outcome[] = [];
  seq: number | undefined;
  readonly #told: string[];

  constructor(row: PendingRow, told: string[]) {
    this.row = row;
    this.#told = told;
  }

  committed(seq: number): void {
    this.seq = seq;
    this.#tell('committed');
  }

  failed(outcome: AppendOutcome): void {
    this.#tell(outcome);
  }

  #tell(outcome: Outcome): void {
    this.outcomes.push(outcome);
    this.#told.push(`${this.row.entityId}@${this.row.version} ${outcome}`);
  }
}

class Bench {
  readonly store = new ScriptedJournalStore();
  readonly lost: string[] = [];
  /** In the order it was told. */
  readonly told: string[] = [];
  readonly callers: Caller[] = [];
  readonly journal = new Journal(this.store, {
    clock: systemClock,
    log: silentLog,
    shardLost: (shard, reason) => {
      this.lost.push(`${shard} ${reason}`);
      this.onLost(shard);
    },
  });
  onLost: (shard: number) => void = () => undefined;

  static async over(...shards: number[]): Promise<Bench> {
    const bench = new Bench();
    bench.journal.own(await bench.store.takeShards(shards, ROW_AT));
    return bench;
  }

  append(shard: number, entityId: string, version: number, changes: Partial<PendingRow> = {}): Caller {
    const caller = new Caller(pendingRow(shard, entityId, version, changes), this.told);
    this.callers.push(caller);
    this.journal.append(caller);
    return caller;
  }

  /** Rows of each batch that was sent: `entity@version`. */
  get sent(): string[][] {
    return this.store.sent.map((rows) => rows.map(({ entityId, version }) => `${entityId}@${version}`));
  }

  async inLog(shard: number): Promise<string[]> {
    const rows = await wholeLog(this.store, shard);
    return rows
      .filter(({ entityId }) => !entityId.startsWith('shd_'))
      .map(({ entityId, version }) => `${entityId}@${version}`);
  }
}

const holds =
  (entityId: string, version?: number) =>
  (rows: readonly JournalRow[]): boolean =>
    rows.some((row) => row.entityId === entityId && (version === undefined || row.version === version));

/** Refuses every batch that holds such a row, as the database would. */
const refusing =
  (isBad: (rows: readonly JournalRow[]) => boolean) =>
  (rows: readonly JournalRow[]): AppendScript =>
    isBad(rows) ? refused : WRITE;

describe('journal (group commit)', () => {
  describe('gathering', () => {
    it('sends what one turn decides in one statement, and what comes meanwhile in the next', async () => {
      const bench = await Bench.over(1, 2);
      const open = bench.store.hold();
      for (const entity of ['a', 'b', 'c']) bench.append(1, entity, 1);
      await waitUntil('the first batch is sent', () => bench.sent.length === 1);
      for (const entity of ['d', 'e']) bench.append(2, entity, 1);
      bench.append(1, 'f', 1);
      await turns();
      expect(bench.sent).to.deep.equal([['a@1', 'b@1', 'c@1']]);
      expect(bench.told).to.deep.equal([]);
      open();
      await bench.journal.drain();
      expect(bench.sent).to.deep.equal([
        ['a@1', 'b@1', 'c@1'],
        ['f@1', 'd@1', 'e@1'],
      ]);
      expect(bench.journal.figures).to.deep.equal({ gatheredRows: 0, commits: 2, rows: 6, stalledMs: 0 });
    });

    it('tells how long rows wait without any commit; with progress, or nothing to do, none', async () => {
      const bench = await Bench.over(1);
      expect(bench.journal.stalledMs).to.equal(0);
      const open = bench.store.hold();
      bench.append(1, 'a', 1);
      await waitUntil('it is seen', () => bench.journal.stalledMs >= 20);
      expect(bench.journal.figures.stalledMs).to.be.at.least(20);
      open();
      await bench.journal.drain();
      expect(bench.journal.stalledMs).to.equal(0);
    });

    it('places rows densely behind their shard’s head, in the order they came, sorted by shard', async () => {
      const bench = await Bench.over(1, 2);
      for (const [shard, entity] of [
        [2, 'a'],
        [1, 'b'],
        [2, 'c'],
        [1, 'd'],
      ] as const)
        bench.append(shard, entity, 1);
      await bench.journal.drain();
      expect(
        bench.store.sent[0]!.map(({ shard, seq, epoch, entityId }) => [shard, seq, epoch, entityId]),
      ).to.deep.equal([
        [1, 2, 1, 'b'],
        [1, 3, 1, 'd'],
        [2, 2, 1, 'a'],
        [2, 3, 1, 'c'],
      ]);
    });

    it('tells callers after the commit, in log order, with their place', async () => {
      const bench = await Bench.over(1);
      const open = bench.store.hold();
      const callers = [1, 2, 3].map((version) => bench.append(1, 'a', version));
      await turns();
      expect(bench.told).to.deep.equal([]);
      open();
      await bench.journal.drain();
      expect(bench.told).to.deep.equal(['a@1 committed', 'a@2 committed', 'a@3 committed']);
      expect(callers.map(({ seq }) => seq)).to.deep.equal([2, 3, 4]);
    });

    it('bounds a batch in rows', async () => {
      const bench = await Bench.over(1);
      for (let version = 1; version <= 1_201; version++) bench.append(1, 'a', version);
      await bench.journal.drain();
      expect(bench.sent.map(({ length }) => length)).to.deep.equal([500, 500, 201]);
    });

    it('bounds a batch in bytes, but sends a single larger row all the same', async () => {
      const bench = await Bench.over(1);
      const large = JSON.stringify(['x'.repeat(3 * 1024 * 1024)]);
      const huge = JSON.stringify(['x'.repeat(5 * 1024 * 1024)]);
      for (const [index, events] of [large, large, huge, large].entries()) bench.append(1, 'a', index + 1, { events });
      await bench.journal.drain();
      expect(bench.sent).to.deep.equal([['a@1'], ['a@2'], ['a@3'], ['a@4']]);
    });

    it('is full at the limit of rows, and not any more once they are written', async () => {
      const bench = await Bench.over(1);
      const open = bench.store.hold();
      for (let version = 1; version < 20_000; version++) bench.append(1, 'a', version);
      expect(bench.journal.full).to.equal(false);
      bench.append(1, 'a', 20_000);
      expect(bench.journal.full).to.equal(true);
      open();
      await bench.journal.drain();
      expect(bench.journal.full).to.equal(false);
    });

    it('is full at the limit of bytes, and forgets the bytes of what failed', async () => {
      const bench = await Bench.over(1);
      bench.store.next(unknown(false));
      const events = JSON.stringify(['x'.repeat(1024 * 1024)]);
      for (let version = 1; version <= 70; version++) bench.append(1, 'a', version, { events });
      expect(bench.journal.full).to.equal(true);
      await bench.journal.drain();
      expect(bench.journal.full).to.equal(false);
    });

    it('answers at once, and never in the call itself, for a shard that it does not own', async () => {
      const bench = await Bench.over(1);
      const caller = bench.append(2, 'a', 1);
      expect(caller.outcomes).to.deep.equal([]);
      await turns(1);
      expect(caller.outcomes).to.deep.equal(['not_written']);
      expect(bench.sent).to.deep.equal([]);
    });

    it('has answered everything when it is drained', async () => {
      const bench = await Bench.over(1);
      for (let version = 1; version <= 1_100; version++) bench.append(1, 'a', version);
      await bench.journal.drain();
      expect(bench.callers.every(({ outcomes }) => outcomes.length === 1)).to.equal(true);
      expect(await bench.inLog(1)).to.have.length(1_100);
      await bench.journal.drain(); // nothing to do
    });
  });

  describe('an entity that was taken for new, and is not', () => {
    it('hears so of all its rows, those gathered behind too; everybody else is committed', async () => {
      const bench = await Bench.over(1, 2);
      bench.append(1, 'old', 1);
      await bench.journal.drain();
      const open = bench.store.hold();
      for (const entity of ['x', 'old', 'new']) bench.append(1, entity, 1, { onlyIfNew: true });
      bench.append(1, 'old', 2);
      bench.append(2, 'y', 1);
      await waitUntil('the batch is sent', () => bench.sent.length === 2);
      bench.append(1, 'old', 3);
      bench.append(1, 'x', 2);
      open();
      await bench.journal.drain();
      expect(await bench.inLog(1)).to.deep.equal(['old@1', 'x@1', 'new@1', 'x@2']);
      expect(await bench.inLog(2)).to.deep.equal(['y@1']);
      expect(bench.told.filter((told) => told.startsWith('old'))).to.have.members([
        'old@1 committed',
        'old@1 exists',
        'old@2 exists',
        'old@3 exists',
      ]);
      expect(bench.sent.slice(1)).to.deep.equal([
        ['x@1', 'old@1', 'new@1', 'old@2', 'y@1'],
        ['x@1', 'new@1', 'y@1'],
        ['x@2'],
      ]);
      expect(bench.lost).to.deep.equal([]);
    });

    it('appends again once it knows its rows', async () => {
      const bench = await Bench.over(1);
      bench.append(1, 'old', 1);
      await bench.journal.drain();
      const again = bench.append(1, 'old', 1, { onlyIfNew: true });
      await bench.journal.drain();
      const next = bench.append(1, 'old', 2);
      await bench.journal.drain();
      expect([again.outcomes, next.outcomes]).to.deep.equal([['exists'], ['committed']]);
    });
  });

  describe('a refused batch', () => {
    it('is sent by halves down to the one offender; everybody else is committed', async () => {
      const bench = await Bench.over(1, 2);
      bench.store.script(refusing(holds('bad')));
      for (let index = 0; index < 8; index++) bench.append(1 + (index % 2), index === 5 ? 'bad' : `good-${index}`, 1);
      await bench.journal.drain();
      expect(bench.told.filter((told) => !told.endsWith('committed'))).to.deep.equal(['bad@1 refused']);
      expect(bench.told).to.have.length(8);
      expect([...(await bench.inLog(1)), ...(await bench.inLog(2))]).to.have.length(7);
      expect(bench.lost).to.deep.equal([]);
    });

    it('takes the offender’s later rows with it: those of its batch, and those gathered behind', async () => {
      const bench = await Bench.over(1);
      bench.store.script(refusing(holds('bad', 2)));
      const open = bench.store.hold();
      bench.append(1, 'bad', 1);
      for (const entity of ['x', 'y']) bench.append(1, entity, 1);
      for (const version of [2, 3, 4]) bench.append(1, 'bad', version);
      bench.append(1, 'z', 1);
      await waitUntil('the first batch is sent', () => bench.sent.length === 1);
      bench.append(1, 'bad', 5);
      bench.append(1, 'z', 2);
      open();
      await bench.journal.drain();
      expect(await bench.inLog(1)).to.deep.equal(['bad@1', 'x@1', 'y@1', 'z@1', 'z@2']);
      expect(bench.told.filter((told) => told.startsWith('bad'))).to.have.members([
        'bad@1 committed',
        'bad@2 refused',
        'bad@3 refused',
        'bad@4 refused',
        'bad@5 refused',
      ]);
    });

    it('forgets the offender with its batch: what the entity decides anew is sent', async () => {
      const bench = await Bench.over(1);
      bench.store.next(refused);
      const first = bench.append(1, 'bad', 1);
      await bench.journal.drain();
      const second = bench.append(1, 'bad', 1);
      await bench.journal.drain();
      expect([first.outcomes, second.outcomes]).to.deep.equal([['refused'], ['committed']]);
    });

    it('finds several offenders', async () => {
      const bench = await Bench.over(1);
      bench.store.script(refusing((rows) => rows.some(({ entityId }) => entityId.startsWith('bad'))));
      for (let index = 0; index < 40; index++) bench.append(1, index % 7 === 0 ? `bad-${index}` : `good-${index}`, 1);
      await bench.journal.drain();
      expect(bench.told.filter((told) => told.endsWith('refused')).map((told) => told.split('@')[0])).to.have.members(
        [0, 7, 14, 21, 28, 35].map((index) => `bad-${index}`),
      );
      expect(await bench.inLog(1)).to.have.length(34);
    });
  });

  describe('a conflict', () => {
    it('loses its shard alone; the rest of the batch is sent again', async () => {
      const bench = await Bench.over(1, 2);
      await bench.store.takeShards([1], ROW_AT); // the new owner
      const [lost, kept] = [bench.append(1, 'a', 1), bench.append(2, 'b', 1)];
      await bench.journal.drain();
      expect([lost.outcomes, kept.outcomes, bench.lost]).to.deep.equal([
        ['not_written'],
        ['committed'],
        ['1 conflict'],
      ]);
      expect(bench.sent).to.deep.equal([['a@1', 'b@1'], ['b@1']]);
    });

    it('answers what gathered behind it, and what comes later, without sending it', async () => {
      const bench = await Bench.over(1, 2);
      await bench.store.takeShards([1], ROW_AT);
      const open = bench.store.hold();
      bench.append(1, 'a', 1);
      await waitUntil('the first batch is sent', () => bench.sent.length === 1);
      const gathered = [bench.append(1, 'a', 2), bench.append(2, 'b', 1)];
      open();
      await bench.journal.drain();
      const later = bench.append(1, 'a', 3);
      await turns(1);
      expect([...gathered, later].map(({ outcomes }) => outcomes)).to.deep.equal([
        ['not_written'],
        ['committed'],
        ['not_written'],
      ]);
      expect(bench.sent).to.deep.equal([['a@1'], ['b@1']]);
    });

    it('never sends what gathered behind it, also when the shard was taken again before its turn came', async () => {
      const bench = await Bench.over(1, 2);
      await bench.store.takeShards([1], ROW_AT);
      bench.onLost = (shard) => void bench.store.takeShards([shard], ROW_AT).then((heads) => bench.journal.own(heads));
      const open = bench.store.hold();
      bench.append(1, 'a', 1);
      bench.append(2, 'b', 1);
      await waitUntil('the first batch is sent', () => bench.sent.length === 1);
      const behind = bench.append(1, 'a', 2);
      open();
      await bench.journal.drain();
      const anew = bench.append(1, 'a', 1);
      await bench.journal.drain();
      expect([behind.outcomes, anew.outcomes]).to.deep.equal([['not_written'], ['committed']]);
      expect(await bench.inLog(1)).to.deep.equal(['a@1']);
    });

    it('loses a shard that the answer leaves out, and commits the others of the statement', async () => {
      const bench = await Bench.over(1, 2);
      bench.journal.own(new Map([[1, { seq: 1, epoch: 9 }]])); // a head that the log does not have
      const [left, kept] = [bench.append(1, 'a', 1), bench.append(2, 'b', 1)];
      await bench.journal.drain();
      expect([left.outcomes, kept.outcomes, bench.lost]).to.deep.equal([
        ['not_written'],
        ['committed'],
        ['1 conflict'],
      ]);
    });

    it('naming a shard that is not in the batch counts as unknown instead of being sent without end', async () => {
      const bench = await Bench.over(1);
      bench.store.next({ kind: 'fail', failure: { kind: 'conflict', shard: 77 } });
      const caller = bench.append(1, 'a', 1);
      await bench.journal.drain();
      expect([caller.outcomes, bench.sent.length]).to.deep.equal([['unknown'], 1]);
    });
  });

  describe('an unknown outcome', () => {
    for (const written of [true, false]) {
      it(`loses every shard of the batch; nothing of it is ever sent again (${written ? 'written' : 'not written'})`, async () => {
        const bench = await Bench.over(1, 2, 3);
        bench.store.next(unknown(written));
        const open = bench.store.hold();
        bench.append(1, 'a', 1);
        bench.append(2, 'b', 1);
        await waitUntil('the first batch is sent', () => bench.sent.length === 1);
        const behind = [bench.append(1, 'a', 2), bench.append(2, 'c', 1)];
        const elsewhere = bench.append(3, 'd', 1);
        open();
        await bench.journal.drain();
        expect(bench.callers.slice(0, 2).map(({ outcomes }) => outcomes)).to.deep.equal([['unknown'], ['unknown']]);
        expect(behind.map(({ outcomes }) => outcomes)).to.deep.equal([['not_written'], ['not_written']]);
        expect(elsewhere.outcomes).to.deep.equal(['committed']);
        expect(bench.lost).to.deep.equal(['1 unknown', '2 unknown']);
        expect(bench.sent).to.deep.equal([['a@1', 'b@1'], ['d@1']]);
      });
    }

    it('in one half keeps its shards’ rows of the other half from being sent, also when they were taken again meanwhile', async () => {
      const bench = await Bench.over(1, 2);
      // The whole is refused; of its first half the first quarter is unknown, the second one takes its time.
      const scripts = [refused, refused, unknown(false)];
      bench.store.script((rows) => scripts.shift() ?? (holds('bad')(rows) ? refused : WRITE));
      bench.onLost = (shard) => void bench.store.takeShards([shard], ROW_AT).then((heads) => bench.journal.own(heads));
      bench.append(1, 'a', 1);
      for (const version of [1, 2, 3]) bench.append(2, 'b', version);
      bench.append(1, 'a', 2); // in the second half: its shard is lost, and taken again, before its turn comes
      for (const version of [4, 5, 6]) bench.append(2, 'b', version);
      await bench.journal.drain();
      expect(bench.callers[4]!.outcomes).to.deep.equal(['not_written']);
      expect(await bench.inLog(1)).to.deep.equal([]);
    });
  });

  describe('a transient failure', () => {
    it('sends the same rows again until they are written', async () => {
      const bench = await Bench.over(1);
      bench.store.next(transient, transient);
      const caller = bench.append(1, 'a', 1);
      await bench.journal.drain();
      expect(caller.outcomes).to.deep.equal(['committed']);
      expect(bench.sent).to.deep.equal([['a@1'], ['a@1'], ['a@1']]);
    });

    it('gives up after some tries: the shards are taken anew', async () => {
      const bench = await Bench.over(1);
      bench.store.script(() => transient);
      const caller = bench.append(1, 'a', 1);
      await bench.journal.drain();
      expect(caller.outcomes).to.deep.equal(['unknown']);
      expect(bench.lost).to.deep.equal(['1 unknown']);
      expect(bench.sent).to.have.length(6);
    });
  });

  describe('a shard given up from outside', () => {
    it('sends nothing more of what gathered for it, and answers it', async () => {
      const bench = await Bench.over(1, 2);
      const open = bench.store.hold();
      bench.append(2, 'b', 1);
      await waitUntil('the first batch is sent', () => bench.sent.length === 1);
      const [gone, kept] = [bench.append(1, 'a', 1), bench.append(2, 'b', 2)];
      bench.journal.disown(1);
      expect(gone.outcomes).to.deep.equal(['not_written']);
      open();
      await bench.journal.drain();
      expect(kept.outcomes).to.deep.equal(['committed']);
      expect(await bench.inLog(1)).to.deep.equal([]);
      expect(bench.lost).to.deep.equal([]);
    });

    it('answers what is in flight by what became of it, and does not own the shard again by that', async () => {
      const bench = await Bench.over(1);
      const open = bench.store.hold();
      const inFlight = bench.append(1, 'a', 1);
      await waitUntil('the first batch is sent', () => bench.sent.length === 1);
      bench.journal.disown(1);
      open();
      await bench.journal.drain();
      expect(inFlight.outcomes).to.deep.equal(['committed']);
      const later = bench.append(1, 'a', 2);
      await turns(2);
      expect(later.outcomes).to.deep.equal(['not_written']);
    });

    for (const script of [
      unknown(false),
      { kind: 'fail', failure: { kind: 'conflict', shard: 1 } } as const,
      refused,
      transient,
    ]) {
      it(`answers what is in flight exactly once when it ends as ${script.kind === 'fail' ? script.failure.kind : ''}, also when the shard was taken again`, async () => {
        const bench = await Bench.over(1);
        bench.store.next(script);
        const open = bench.store.hold();
        const inFlight = [bench.append(1, 'a', 1), bench.append(1, 'b', 1)];
        await waitUntil('the first batch is sent', () => bench.sent.length === 1);
        bench.journal.disown(1);
        bench.journal.own(await bench.store.takeShards([1], ROW_AT));
        const anew = bench.append(1, 'c', 1);
        open();
        await bench.journal.drain();
        for (const { outcomes } of inFlight) expect(outcomes).to.have.length(1);
        expect(anew.outcomes).to.deep.equal(['committed']);
        expect(bench.lost).to.deep.equal([]);
        expect(await bench.inLog(1)).to.deep.equal(['c@1']);
      });
    }
  });

  it('under random failures, tells callers what the log holds', async () => {
    const script = fc.oneof(
      { weight: 6, arbitrary: fc.constant<AppendScript>(WRITE) },
      { weight: 2, arbitrary: fc.constant<AppendScript>(refused) },
      { weight: 1, arbitrary: fc.constant<AppendScript>(transient) },
      { weight: 1, arbitrary: fc.boolean().map(unknown) },
      {
        weight: 1,
        arbitrary: fc
          .integer({ min: 1, max: 3 })
          .map((shard): AppendScript => ({ kind: 'fail', failure: { kind: 'conflict', shard } })),
      },
    );
    const step = fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record({
          do: fc.constant('append' as const),
          shard: fc.integer({ min: 1, max: 3 }),
          entity: fc.nat(3),
        }),
      },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('turn' as const) }) },
      {
        weight: 1,
        arbitrary: fc.record({
          do: fc.constantFrom('disown' as const, 'rival' as const),
          shard: fc.integer({ min: 1, max: 3 }),
        }),
      },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(script, { maxLength: 30 }),
        fc.array(step, { maxLength: 60 }),
        async (scripts, steps) => {
          const bench = await Bench.over(1, 2, 3);
          bench.store.next(...scripts);
          /** The next version of each entity: what a shell would decide. Forgotten with the shard, and read from the log. */
          const versions = new Map<string, number>();
          const taking = new Set<Promise<void>>();
          const takeAgain = (shard: number): void => {
            const task = new Promise(setImmediate)
              .then(() => bench.store.takeShards([shard], ROW_AT))
              .then((heads) => {
                for (let entity = 0; entity <= 3; entity++) versions.delete(`e${shard}-${entity}`);
                bench.journal.own(heads);
              });
            taking.add(task);
            void task.finally(() => taking.delete(task));
          };
          bench.onLost = takeAgain;
          for (const each of steps) {
            if (each.do === 'turn') await turns(1);
            else if (each.do === 'rival') await bench.store.takeShards([each.shard], ROW_AT);
            else if (each.do !== 'append') {
              bench.journal.disown(each.shard);
              takeAgain(each.shard);
            } else {
              const id = `e${each.shard}-${each.entity}`;
              const version = versions.get(id) ?? (bench.store.log.entities.get(id)?.length ?? 0) + 1;
              const caller = bench.append(each.shard, id, version, { commandId: String(bench.callers.length) });
              versions.set(id, version + 1);
              // A shell is dropped when its row fails, and the next one reads the log.
              const failed = caller.failed.bind(caller);
              caller.failed = (outcome) => {
                failed(outcome);
                if (!bench.callers.some((other) => other.row.entityId === id && other.outcomes.length === 0))
                  versions.delete(id);
              };
            }
          }
          while (taking.size > 0 || bench.callers.some(({ outcomes }) => outcomes.length === 0)) {
            await bench.journal.drain();
            await turns(1);
          }
          const log = [...bench.store.log.shards.values()].flat();
          const commandIds = new Map(log.map((row) => [`${row.entityId}/${row.commandId}`, row]));
          for (const { row, outcomes, seq } of bench.callers) {
            expect(outcomes, `${row.entityId}@${row.version} is answered once`).to.have.length(1);
            const stored = commandIds.get(`${row.entityId}/${row.commandId}`);
            if (outcomes[0] === 'committed') expect(stored?.seq, 'committed rows are in the log').to.equal(seq);
            else if (outcomes[0] !== 'unknown')
              expect(stored, `${outcomes[0]} rows are not in the log`).to.equal(undefined);
          }
          const own = log.filter(({ entityId }) => !entityId.startsWith('shd_'));
          expect(new Set(own.map(({ commandId }) => commandId)).size, 'nothing is written twice').to.equal(own.length);
          for (const rows of bench.store.log.shards.values()) {
            expect(rows.map(({ seq }) => seq)).to.deep.equal(rows.map((_, index) => index + 1));
          }
          for (const [entityId, rows] of bench.store.log.entities) {
            expect(
              rows.map(({ version }) => version),
              `${entityId} is dense`,
            ).to.deep.equal(rows.map((_, index) => index + 1));
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});
