/**
 * What every implementation of the journal promises: the fence, the failures by kind, and reading. Two stores opened
 * over one log are two owners.
 */
import { expect } from 'chai';
import { createHash } from 'node:crypto';
import pg from 'pg';
import { openPool } from '../../persistence/postgres/connection.ts';
import { PostgresJournalStore } from '../../persistence/postgres/journal-store.ts';
import {
  AppendError,
  type AppendFailure,
  type JournalRow,
  type EntityHistories,
  type JournalStore,
  type Snapshot,
} from '../../persistence/ports.ts';
import { pendingRow, placed, ROW_AT, take, wholeLog } from '../support/journal-rows.ts';
import { STORAGE_SUBJECTS, type Storage } from '../support/journal-subjects.ts';
import { waitUntil } from '../support/wait-until.ts';

let shards = 0;
/** Every test has shards, and so entities, of its own. */
const freshShard = (): number => ++shards;
const stockIn = (shard: number, name = 'a'): string => `stk_${name}-${shard}`;

/** Every value that the store's own columns and arrays must carry unharmed. */
const AWKWARD: Partial<JournalRow> = {
  commandId: `"quoted", {braces}, \\ and 'more' – 日本語 😀`,
  wakeAt: 1_700_000_900_999,
  events: JSON.stringify([{ type: 'Happened', text: '"\\{},NULL\u0000\n😀', number: -1.5e-7, big: 2 ** 53 - 1 }]),
  meta: { fingerprint: 'a\\"b{c},NULL' },
};

async function failureOf(work: Promise<unknown>): Promise<AppendFailure | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    expect(error).to.be.instanceOf(AppendError);
    return (error as AppendError).failure;
  }
}

/** How the port lets a store say that a shard has another owner: it is missing in the answer, or named by a conflict. */
async function expectFenced(append: Promise<ReadonlySet<number>>, shard: number): Promise<void> {
  try {
    expect([...(await append)]).not.to.include(shard);
  } catch (error) {
    if (!(error instanceof AppendError)) throw error;
    expect(error.failure).to.deep.equal({ kind: 'conflict', shard });
  }
}

function expectOneEpochPerRange(rows: readonly JournalRow[]): void {
  expect(
    rows.map(({ seq }) => seq),
    'seq is dense',
  ).to.deep.equal(rows.map((_, index) => index + 1));
  for (const [index, row] of rows.entries()) {
    const before = rows[index - 1]?.epoch ?? 0;
    const isEpochRow = row.entityId === `shd_${row.shard}`;
    expect(row.epoch, `epoch of seq ${row.seq}`).to.equal(isEpochRow ? before + 1 : before);
  }
}

for (const subject of STORAGE_SUBJECTS) {
  describe(`journal store: ${subject.name}`, function () {
    this.timeout(60_000);
    let storage: Storage;
    let store: JournalStore & EntityHistories;
    let other: JournalStore;

    before(async function () {
      storage = await subject.open(this);
      store = storage.openJournal();
      other = storage.openJournal();
    });
    after(async () => {
      await (storage as Storage | undefined)?.close();
    });

    describe('taking', () => {
      it('begins a new epoch with a row of its own, one higher each time', async () => {
        const shard = freshShard();
        expect(await take(store, shard)).to.deep.equal({ seq: 1, epoch: 1 });
        expect(await take(other, shard)).to.deep.equal({ seq: 2, epoch: 2 });
        const [first, second] = await wholeLog(store, shard);
        expect(first).to.include({
          shard,
          seq: 1,
          epoch: 1,
          entityId: `shd_${shard}`,
          version: 1,
          wakeAt: null,
          at: ROW_AT,
        });
        expect(JSON.parse(second!.events)).to.deep.equal([{ type: 'EpochStarted', epoch: 2 }]);
        expect(second!.version).to.equal(2);
      });

      it('takes many shards in one call, whatever their order and their state', async () => {
        const [old, young, none] = [freshShard(), freshShard(), freshShard()];
        const head = await take(store, old);
        await store.append(placed(head, [pendingRow(old, stockIn(old), 1)]));
        await take(store, young);
        const heads = await other.takeShards([none, young, old], ROW_AT);
        expect([...heads].sort(([a], [b]) => a - b)).to.deep.equal([
          [old, { seq: 3, epoch: 2 }],
          [young, { seq: 2, epoch: 2 }],
          [none, { seq: 1, epoch: 1 }],
        ]);
      });
    });

    describe('appending', () => {
      it('reads back what was written, every field', async () => {
        const shard = freshShard();
        const rows = placed(await take(store, shard), [
          pendingRow(shard, stockIn(shard, 'ä "quoted" {x},\\ 😀'), 1, AWKWARD),
          pendingRow(shard, stockIn(shard), 1, { at: 0, wakeAt: 4_102_444_800_001 }),
          pendingRow(shard, stockIn(shard), 2, { at: 1_234_567_890_999 }),
        ]);
        expect([...(await store.append(rows))]).to.deep.equal([shard]);
        expect((await wholeLog(store, shard)).slice(1)).to.deep.equal(rows);
      });

      it('keeps every millisecond', async () => {
        const shard = freshShard();
        const times = Array.from({ length: 1_000 }, (_, index) => 1_699_999_999_000 + index * 1_001);
        const rows = placed(
          await take(store, shard),
          times.map((at, index) => pendingRow(shard, stockIn(shard), index + 1, { at, wakeAt: at + 1 })),
        );
        await store.append(rows);
        expect((await wholeLog(store, shard)).slice(1).map(({ at }) => at)).to.deep.equal(times);
      });

      it('writes many shards in one statement, each behind its own head', async () => {
        const batch: JournalRow[] = [];
        const own = [freshShard(), freshShard(), freshShard()];
        for (const shard of own) {
          batch.push(
            ...placed(
              await take(store, shard),
              [1, 2, 3].map((version) => pendingRow(shard, stockIn(shard), version)),
            ),
          );
        }
        expect([...(await store.append(batch))].sort((a, b) => a - b)).to.deep.equal(own);
        for (const shard of own)
          expect((await wholeLog(store, shard)).map(({ seq }) => seq)).to.deep.equal([1, 2, 3, 4]);
      });

      it('writes nothing behind a hole', async () => {
        const shard = freshShard();
        const head = await take(store, shard);
        const written = await store.append(
          placed({ ...head, seq: head.seq + 1 }, [pendingRow(shard, stockIn(shard), 1)]),
        );
        expect([...written]).to.deep.equal([]);
        expect(await wholeLog(store, shard)).to.have.length(1);
      });

      it('leaves the other shards of the batch alone when a row before it is not the writer’s', async () => {
        const [foreign, own] = [freshShard(), freshShard()];
        const [foreignHead, ownHead] = [await take(store, foreign), await take(store, own)];
        const written = await store.append([
          ...placed({ ...foreignHead, epoch: 7 }, [
            pendingRow(foreign, stockIn(foreign), 1),
            pendingRow(foreign, stockIn(foreign), 2),
          ]),
          ...placed(ownHead, [pendingRow(own, stockIn(own), 1)]),
        ]);
        expect([...written]).to.deep.equal([own]);
        expect(await wholeLog(store, foreign)).to.have.length(1);
        expect(await wholeLog(store, own)).to.have.length(2);
      });
    });

    describe('the fence', () => {
      for (const length of [1, 2, 5]) {
        it(`lets a stale owner write none of ${length} rows, nor any behind the new owner's`, async () => {
          const shard = freshShard();
          const stale = await take(store, shard);
          await take(other, shard);
          const rows = Array.from({ length }, (_, index) => pendingRow(shard, stockIn(shard), index + 1));
          await expectFenced(store.append(placed(stale, rows)), shard);
          expect((await wholeLog(store, shard)).map(({ entityId }) => entityId)).to.deep.equal([
            `shd_${shard}`,
            `shd_${shard}`,
          ]);
        });
      }

      it('lets a stale owner write nothing behind rows of the new one either', async () => {
        const shard = freshShard();
        const stale = await take(store, shard);
        const fresh = await take(other, shard);
        const news = [1, 2, 3].map((version) => pendingRow(shard, stockIn(shard, 'new'), version));
        await other.append(placed(fresh, news));
        for (let length = 1; length <= 6; length++) {
          const rows = Array.from({ length }, (_, index) => pendingRow(shard, stockIn(shard, 'old'), index + 1));
          await expectFenced(store.append(placed(stale, rows)), shard);
        }
        expect(await wholeLog(store, shard)).to.have.length(5);
      });

      it('names the lost shard, of which and of the others nothing is written: the others go when sent again', async () => {
        const [lost, own] = [freshShard(), freshShard()];
        const [stale, head] = [await take(store, lost), await take(store, own)];
        await take(other, lost);
        const ownRows = placed(head, [pendingRow(own, stockIn(own), 1)]);
        const batch = [...placed(stale, [pendingRow(lost, stockIn(lost), 1)]), ...ownRows];
        expect(await failureOf(store.append(batch))).to.deep.equal({ kind: 'conflict', shard: lost });
        expect(await wholeLog(store, own)).to.have.length(1);
        expect([...(await store.append(ownRows))]).to.deep.equal([own]);
      });

      it('refuses a version that its entity has already, and names the shard', async () => {
        const shard = freshShard();
        const head = await take(store, shard);
        const name = `x, 1, 2) already exists. Key (shard, seq)=(9`;
        await store.append(placed(head, [pendingRow(shard, stockIn(shard, name), 1)]));
        const again = placed({ ...head, seq: head.seq + 1 }, [pendingRow(shard, stockIn(shard, name), 1)]);
        expect(await failureOf(store.append(again))).to.deep.equal({ kind: 'conflict', shard });
        expect(await wholeLog(store, shard)).to.have.length(2);
      });

      it('holds while appends and takes of two owners race: seq dense, one epoch per range, told is what is there', async () => {
        const own = [freshShard(), freshShard(), freshShard()];
        const told = new Set<string>();
        let takes = 0;
        const owner = async (journal: JournalStore, name: string): Promise<void> => {
          const heads = new Map<number, { seq: number; epoch: number }>();
          for (let round = 0; round < 60; round++) {
            if (
              heads.size < own.length &&
              (await failureOf(
                journal.takeShards(own, ROW_AT).then((taken) => taken.forEach((head, shard) => heads.set(shard, head))),
              ))
            ) {
              continue;
            }
            takes++;
            for (let appends = 0; appends < 4 && heads.size > 0; appends++) {
              const batch = [...heads]
                .sort(([a], [b]) => a - b)
                .flatMap(([shard, head]) =>
                  placed(
                    head,
                    Array.from({ length: 1 + ((round + shard) % 3) }, (_, index) => {
                      const id = stockIn(shard, `${name}-${round}-${appends}-${index}`);
                      return pendingRow(shard, id, 1);
                    }),
                  ),
                );
              try {
                const written = await journal.append(batch);
                for (const row of batch) {
                  if (!written.has(row.shard)) heads.delete(row.shard);
                  else heads.set(row.shard, { seq: row.seq, epoch: row.epoch });
                  if (written.has(row.shard)) told.add(row.entityId);
                }
              } catch (error) {
                const { failure } = error as AppendError;
                if (failure.kind === 'conflict') heads.delete(failure.shard);
                else if (failure.kind !== 'transient') throw error;
              }
            }
          }
        };
        await Promise.all([owner(store, 'one'), owner(other, 'two')]);
        expect(takes).to.be.greaterThan(20);
        const found = new Set<string>();
        for (const shard of own) {
          const rows = await wholeLog(store, shard);
          expectOneEpochPerRange(rows);
          for (const { entityId } of rows) if (!entityId.startsWith('shd_')) found.add(entityId);
        }
        expect([...found].sort()).to.deep.equal([...told].sort());
      });
    });

    describe('a row that is to be its entity’s first', () => {
      const first = { onlyIfNew: true } as const;

      it('is written where the entity has none', async () => {
        const shard = freshShard();
        const head = await take(store, shard);
        const rows = [pendingRow(shard, stockIn(shard), 1), pendingRow(shard, stockIn(shard), 2)];
        expect([...(await store.append(placed(head, [{ ...rows[0]!, ...first }, rows[1]!])))]).to.deep.equal([shard]);
        expect((await wholeLog(store, shard)).slice(1)).to.deep.equal(placed(head, rows));
      });

      it('writes nothing of its batch where the entity has some, and all such entities are named', async () => {
        const [shard, another] = [freshShard(), freshShard()];
        const [head, anotherHead] = [await take(store, shard), await take(store, another)];
        const [old, odd] = [stockIn(shard, 'old'), stockIn(shard, 'ä "quoted" {x},\\ 😀')];
        const stored = placed(head, [pendingRow(shard, old, 1), pendingRow(shard, old, 2), pendingRow(shard, odd, 1)]);
        await store.append(stored);
        const behind = { ...head, seq: head.seq + stored.length };
        const batch = [
          ...placed(behind, [
            pendingRow(shard, stockIn(shard, 'new'), 1, first),
            pendingRow(shard, odd, 1, first),
            pendingRow(shard, old, 1, first),
          ]),
          ...placed(anotherHead, [pendingRow(another, stockIn(another), 1)]),
        ];
        const failure = await failureOf(store.append(batch));
        expect(failure?.kind === 'exists' && failure.entityIds).to.have.members([old, odd]);
        expect(await wholeLog(store, shard)).to.have.length(1 + stored.length);
        expect(await wholeLog(store, another)).to.have.length(1);
        const rest = [...placed(behind, [pendingRow(shard, stockIn(shard, 'new'), 1, first)]), batch[3]!];
        expect([...(await store.append(rest))]).to.have.members([shard, another]);
      });
    });

    describe('refusing', () => {
      // Incompressible, or the index would make it fit.
      const longId = `stk_${Array.from({ length: 200 }, (_, index) => createHash('sha512').update(String(index)).digest('base64')).join('')}`;
      const poison: readonly (readonly [name: string, row: (shard: number) => ReturnType<typeof pendingRow>])[] = [
        ['an entity id too long for the index', (shard) => pendingRow(shard, longId, 1)],
        ['a NUL in an entity id', (shard) => pendingRow(shard, stockIn(shard, 'a\u0000b'), 1)],
        ['a NUL in a command id', (shard) => pendingRow(shard, stockIn(shard), 2, { commandId: 'a\u0000b' })],
        ['events that are no JSON', (shard) => pendingRow(shard, stockIn(shard), 2, { events: '[{' })],
      ];
      for (const [name, row] of poison) {
        it(`calls ${name} refused, and writes nothing of the batch`, async () => {
          const [bad, good] = [freshShard(), freshShard()];
          const [badHead, goodHead] = [await take(store, bad), await take(store, good)];
          const batch = [
            ...placed(badHead, [pendingRow(bad, stockIn(bad), 1), row(bad)]),
            ...placed(goodHead, [pendingRow(good, stockIn(good), 1)]),
          ];
          const failure = await failureOf(store.append(batch));
          expect(failure?.kind).to.equal('refused');
          expect(await wholeLog(store, bad)).to.have.length(1);
          expect(await wholeLog(store, good)).to.have.length(1);
          await store.append(batch.filter((each) => each.shard === good));
          expect(await wholeLog(store, good)).to.have.length(2);
        });
      }
    });

    describe('reading entities', () => {
      const snapshotOf = (shard: number, version: number, changes: Partial<Snapshot> = {}): Snapshot => ({
        entityId: stockIn(shard),
        shard,
        version,
        schema: 1,
        state: JSON.stringify({ version }),
        at: ROW_AT,
        ...changes,
      });
      const withRows = async (count: number): Promise<{ shard: number; rows: JournalRow[] }> => {
        const shard = freshShard();
        const versions = Array.from({ length: count }, (_, index) => index + 1);
        const rows = placed(
          await take(store, shard),
          versions.map((version) => pendingRow(shard, stockIn(shard), version)),
        );
        await store.append(rows);
        return { shard, rows };
      };

      it('reads many in one call, each ascending; an entity without rows is missing', async () => {
        const [one, two] = [await withRows(30), await withRows(12)];
        const found = await store.readEntities([stockIn(two.shard), 'stk_nobody', stockIn(one.shard)], false);
        expect([...found.keys()].sort()).to.deep.equal([stockIn(one.shard), stockIn(two.shard)].sort());
        expect(found.get(stockIn(one.shard))).to.deep.equal({ rows: one.rows });
        expect(found.get(stockIn(two.shard))).to.deep.equal({ rows: two.rows });
      });

      it('reads the history of one entity from a version on, without rows that have no events', async () => {
        const shard = freshShard();
        const by = { channel: 'http', who: 'a "b" – 日本', role: 'admin', requestId: 'r' } as const;
        const rows = placed(
          await take(store, shard),
          [1, 2, 3, 4, 5].map((version) => ({
            ...pendingRow(shard, stockIn(shard), version),
            ...(version === 3 && { events: '[]', meta: { fingerprint: 'f' } }),
            ...(version === 4 && { meta: { by } }),
          })),
        );
        await store.append(rows);
        const found = await store.readHistory(stockIn(shard), 2, 2);
        expect(found).to.deep.equal([rows[1], rows[3]]);
        expect(found[1]?.meta?.by).to.deep.equal(by);
        expect(await store.readHistory('stk_nobody', 0, 10)).to.deep.equal([]);
        expect((await store.readHistory(stockIn(shard), 999_999_999, 10)).length).to.equal(0);
      });

      it('reads nothing when no entity is asked for', async () => {
        expect((await store.readEntities([], false)).size).to.equal(0);
        expect((await store.readEntities([], true)).size).to.equal(0);
      });

      for (const withSnapshots of [false, true]) {
        it(`reads an entity once that is asked for twice (${withSnapshots ? 'with' : 'without'} snapshots)`, async () => {
          const { shard, rows } = await withRows(3);
          const found = await store.readEntities([stockIn(shard), stockIn(shard)], withSnapshots);
          expect(found.get(stockIn(shard))).to.deep.equal({ rows });
        });
      }

      it('gives a snapshot, the time of its row, and the rows after it; without snapshots everything', async () => {
        const { shard, rows } = await withRows(5);
        await store.saveSnapshots([snapshotOf(shard, 3)]);
        const found = await store.readEntities([stockIn(shard)], true);
        const snapshot = { version: 3, schema: 1, state: { version: 3 }, at: rows[2]!.at };
        expect(found.get(stockIn(shard))).to.deep.equal({ snapshot, rows: rows.slice(3) });
        expect((await store.readEntities([stockIn(shard)], false)).get(stockIn(shard))).to.deep.equal({ rows });
      });

      it('gives a snapshot of the last row with no rows after it', async () => {
        const { shard, rows } = await withRows(4);
        await store.saveSnapshots([snapshotOf(shard, 4)]);
        const found = (await store.readEntities([stockIn(shard)], true)).get(stockIn(shard));
        expect(found).to.deep.equal({
          snapshot: { version: 4, schema: 1, state: { version: 4 }, at: rows[3]!.at },
          rows: [],
        });
      });

      it('ignores a snapshot ahead of its log', async () => {
        const { shard, rows } = await withRows(4);
        await store.saveSnapshots([snapshotOf(shard, 5)]);
        expect((await store.readEntities([stockIn(shard)], true)).get(stockIn(shard))).to.deep.equal({ rows });
      });

      it('tells the schema of a snapshot, so that an outdated one can be ignored', async () => {
        const { shard } = await withRows(2);
        await store.saveSnapshots([snapshotOf(shard, 2, { schema: 9 })]);
        expect((await store.readEntities([stockIn(shard)], true)).get(stockIn(shard))?.snapshot?.schema).to.equal(9);
      });

      it('mixes entities with and without snapshots in one call', async () => {
        const [one, two] = [await withRows(3), await withRows(3)];
        await store.saveSnapshots([snapshotOf(two.shard, 2)]);
        const found = await store.readEntities([stockIn(one.shard), stockIn(two.shard)], true);
        expect(found.get(stockIn(one.shard))!.rows).to.have.length(3);
        expect(found.get(stockIn(two.shard))!.rows).to.deep.equal(two.rows.slice(2));
      });

      it('never replaces a newer snapshot by an older one of its schema', async () => {
        const { shard } = await withRows(5);
        const versionNow = async (): Promise<number | undefined> =>
          (await store.readEntities([stockIn(shard)], true)).get(stockIn(shard))?.snapshot?.version;
        await store.saveSnapshots([snapshotOf(shard, 4)]);
        await other.saveSnapshots([snapshotOf(shard, 2)]);
        expect(await versionNow()).to.equal(4);
        await store.saveSnapshots([snapshotOf(shard, 5)]);
        expect(await versionNow()).to.equal(5);
      });

      it('replaces a snapshot of another schema, which this build could never read', async () => {
        const { shard } = await withRows(5);
        await store.saveSnapshots([snapshotOf(shard, 4, { schema: 1 })]);
        await store.saveSnapshots([snapshotOf(shard, 3, { schema: 2 })]);
        const found = (await store.readEntities([stockIn(shard)], true)).get(stockIn(shard));
        expect(found?.snapshot).to.include({ version: 3, schema: 2 });
      });
    });

    describe('reading a shard', () => {
      it('pages through all rows after a place, ascending, none twice and none left out', async () => {
        const shard = freshShard();
        const rows = placed(
          await take(store, shard),
          Array.from({ length: 23 }, (_, index) => pendingRow(shard, stockIn(shard), index + 1)),
        );
        await store.append(rows);
        const seen: number[] = [];
        for (let after = 0; ; after = seen.at(-1)!) {
          const page = await store.readShard(shard, after, 5);
          expect(page.length).to.be.at.most(5);
          if (page.length === 0) break;
          seen.push(...page.map(({ seq }) => seq));
        }
        expect(seen).to.deep.equal(Array.from({ length: 24 }, (_, index) => index + 1));
      });

      it('reads nothing of a shard that was never taken', async () => {
        expect(await store.readShard(freshShard(), 0, 10)).to.deep.equal([]);
      });
    });

    if (!subject.isPostgres) return;

    describe('what may have happened when it fails', () => {
      /** Another session that has the next place of the shard, and has not said whether it keeps it. */
      const occupy = async (shard: number, seq: number): Promise<{ release(): Promise<void> }> => {
        const client = new pg.Client({ connectionString: storage.database!.url });
        await client.connect();
        await client.query('BEGIN');
        await client.query(
          `INSERT INTO journal (shard, seq, epoch, version, at, entity_id, command_id, events)
           VALUES ($1, $2, 99, 1, now(), $3, 'x', '[]')`,
          [shard, seq, `stk_occupier-${shard}`],
        );
        return {
          release: async () => {
            await client.query('ROLLBACK');
            await client.end();
          },
        };
      };
      const waitingBackends = (): Promise<Record<string, unknown>[]> =>
        storage.database!.query(
          `SELECT pid FROM pg_stat_activity
           WHERE datname = current_database() AND application_name LIKE 'contract/%/journal' AND wait_event_type = 'Lock'`,
        );

      it('a connection cut in the middle of an append is unknown; a new take and append go on', async () => {
        const shard = freshShard();
        const head = await take(store, shard);
        const occupier = await occupy(shard, head.seq + 1);
        const failure = failureOf(store.append(placed(head, [pendingRow(shard, stockIn(shard), 1)])));
        await waitUntil('the append waits', async () => (await waitingBackends()).length > 0);
        for (const { pid } of await waitingBackends())
          await storage.database!.query('SELECT pg_terminate_backend($1)', [pid]);
        expect(await failure).to.deep.equal({ kind: 'unknown' });
        await occupier.release();
        const next = await take(store, shard);
        expect(next.epoch).to.equal(head.epoch + 1);
        expect([...(await store.append(placed(next, [pendingRow(shard, stockIn(shard), 1)])))]).to.deep.equal([shard]);
      });

      it('a connection cut while idle costs at most one unknown append', async () => {
        const shard = freshShard();
        const head = await take(store, shard);
        await storage.database!.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE datname = current_database() AND application_name LIKE 'contract/%/journal'`,
        );
        const failure = await failureOf(store.append(placed(head, [pendingRow(shard, stockIn(shard), 1)])));
        if (failure) expect(failure).to.deep.equal({ kind: 'unknown' });
        const next = await take(store, shard);
        expect([...(await store.append(placed(next, [pendingRow(shard, stockIn(shard, 'b'), 1)])))]).to.deep.equal([
          shard,
        ]);
      });

      it('a lock that could not be had in time is transient: the same rows succeed later', async () => {
        await storage.database!.query(
          `ALTER DATABASE ${new URL(storage.database!.url).pathname.slice(1)} SET lock_timeout = '50ms'`,
        );
        const impatient = storage.openJournal(); // its session begins after the setting
        const shard = freshShard();
        const head = await take(impatient, shard);
        const occupier = await occupy(shard, head.seq + 1);
        const rows = placed(head, [pendingRow(shard, stockIn(shard), 1)]);
        expect(await failureOf(impatient.append(rows))).to.deep.equal({ kind: 'transient', sqlState: '55P03' });
        await occupier.release();
        expect([...(await impatient.append(rows))]).to.deep.equal([shard]);
        await storage.database!.query(
          `ALTER DATABASE ${new URL(storage.database!.url).pathname.slice(1)} RESET lock_timeout`,
        );
      });

      for (const [sqlState, kind] of [
        ['40P01', 'transient'],
        ['40001', 'transient'],
        ['55P03', 'transient'],
        ['22003', 'refused'],
        ['23514', 'refused'],
        ['54000', 'refused'],
        ['57014', 'unknown'],
        ['53100', 'unknown'],
        ['25006', 'unknown'],
        ['XX000', 'unknown'],
      ] as const) {
        it(`SQLSTATE ${sqlState} is ${kind}, and leaves nothing of the batch`, async () => {
          await storage.database!.query(
            `CREATE OR REPLACE FUNCTION raise_for_test() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'scripted' USING ERRCODE = substr(NEW.command_id, 7); END $$`,
          );
          await storage.database!.query(
            `CREATE OR REPLACE TRIGGER raise_for_test BEFORE INSERT ON journal FOR EACH ROW
             WHEN (NEW.command_id LIKE 'raise %') EXECUTE FUNCTION raise_for_test()`,
          );
          const shard = freshShard();
          const head = await take(store, shard);
          const rows = placed(head, [
            pendingRow(shard, stockIn(shard), 1),
            pendingRow(shard, stockIn(shard), 2, { commandId: `raise ${sqlState}` }),
          ]);
          expect((await failureOf(store.append(rows)))?.kind).to.equal(kind);
          expect(await wholeLog(store, shard)).to.have.length(1);
          expect([...(await store.append(rows.slice(0, 1)))]).to.deep.equal([shard]);
        });
      }

      it('a server that can not be reached leaves nothing written, and says unknown at worst', async () => {
        const url = 'postgres://nobody@127.0.0.1:1/nowhere';
        const pool = openPool(url, 'contract/nowhere', 1);
        const nowhere = new PostgresJournalStore(url, 'contract/nowhere', pool);
        expect(
          await failureOf(nowhere.append(placed({ seq: 1, epoch: 1 }, [pendingRow(1, 'stk_a', 1)]))),
        ).to.deep.equal({ kind: 'unknown' });
        await nowhere.close();
        await pool.end();
      });
    });
  });
}
