/** Whatever is done to a table of holds, it shows what a Map would; so does what comes back from its stored form. */
import { expect } from 'chai';
import fc from 'fast-check';
import { CorruptionError } from '../../kernel/errors.ts';
import { reservationEntity } from '../reservation/reservation.ts';
import { HoldTable, type OpenHold, type StoredHolds } from './hold-table.ts';

const NOT_AFTER = Date.UTC(2026, 0);

/** Their last digits are the slots they want: few, so that they meet. */
const idOf = (n: number): string =>
  reservationEntity(`${(n * 7).toString(16).padStart(8, '0')}-0000-7000-8000-00000000000${(n % 5).toString(16)}`);

const holdOf = (n: number): OpenHold => ({ quantity: 1 + n, notAfter: NOT_AFTER + n * 1_001 });

const sorted = (holds: Iterable<readonly [string, OpenHold]>): unknown[] =>
  [...holds].sort(([one], [other]) => (one < other ? -1 : 1));

const throughJson = (table: HoldTable): HoldTable =>
  HoldTable.decode(JSON.parse(JSON.stringify(table.encode())) as StoredHolds);

function expectSame(table: HoldTable, map: ReadonlyMap<string, OpenHold>): void {
  expect(sorted(table)).to.deep.equal(sorted(map));
  expect(table.size).to.equal(map.size);
  expect(table.units).to.equal([...map.values()].reduce((sum, { quantity }) => sum + quantity, 0));
}

describe('table of holds', () => {
  it('shows what a Map would, whatever comes and goes, also when it comes back from JSON', () => {
    const step = fc.record({ n: fc.nat(60), removes: fc.boolean(), odd: fc.nat(9) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        let table = new HoldTable();
        const map = new Map<string, OpenHold>();
        steps.forEach(({ n, removes, odd }, index) => {
          const id = odd === 0 ? `other-${n}` : idOf(n);
          expect(table.has(id)).to.equal(map.has(id));
          if (removes) expect(table.delete(id)).to.equal(map.delete(id));
          else if (!map.has(id)) {
            const hold: OpenHold = odd === 1 ? { ...holdOf(n), from: [['north', 1 + n]] } : holdOf(n);
            table.add(id, hold);
            map.set(id, hold);
          }
          expect(table.get(id)).to.deep.equal(map.get(id));
          if (index % 50 === 49) table = throughJson(table);
        });
        expectSame(table, map);
        expectSame(throughJson(table), map);
      }),
    );
  });

  it('keeps thousands, and finds each of those that are left when most are gone', () => {
    const table = new HoldTable();
    const map = new Map<string, OpenHold>();
    for (let n = 0; n < 5_000; n++) {
      table.add(idOf(n), holdOf(n));
      map.set(idOf(n), holdOf(n));
    }
    expectSame(table, map);
    for (let n = 0; n < 5_000; n++)
      if (n % 50 > 0) expect([table.delete(idOf(n)), map.delete(idOf(n))]).to.deep.equal([true, true]);
    expectSame(table, map);
    for (const [id, hold] of map) expect(table.get(id)).to.deep.equal(hold);
  });

  for (const [name, holdId] of [
    ['in capital letters', reservationEntity('0198B1C2-0000-7000-8000-00000000000A')],
    ['with its dashes elsewhere', reservationEntity('0198b1c20-000-7000-8000-00000000000a')],
    ['with a letter that is no digit', reservationEntity('0198b1c2-0000-7000-8000-00000000000g')],
    ['of another prefix', 'ord_0198b1c2-0000-7000-8000-00000000000a'],
    ['too long', `${reservationEntity('0198b1c2-0000-7000-8000-00000000000a')}0`],
    ['empty', ''],
  ] as const) {
    it(`takes an id ${name} for no other`, () => {
      const table = new HoldTable();
      const plain = reservationEntity('0198b1c2-0000-7000-8000-00000000000a');
      table.add(plain, holdOf(1));
      expect(table.has(holdId)).to.equal(false);
      table.add(holdId, holdOf(2));
      expect([table.get(plain), table.get(holdId), table.size]).to.deep.equal([holdOf(1), holdOf(2), 2]);
      expectSame(
        throughJson(table),
        new Map([
          [plain, holdOf(1)],
          [holdId, holdOf(2)],
        ]),
      );
    });
  }

  it('keeps quantities and times exactly, however large', () => {
    const table = new HoldTable();
    const holds: [string, OpenHold][] = [1, 2 ** 32 - 1, 2 ** 32, 1e12].map((quantity, n) => [
      idOf(n),
      { quantity, notAfter: Date.UTC(2400, 0) + n },
    ]);
    for (const [id, hold] of holds) table.add(id, hold);
    expectSame(throughJson(table), new Map(holds));
  });

  describe('refuses a stored form', () => {
    const stored = (): StoredHolds => {
      const table = new HoldTable();
      for (let n = 0; n < 3; n++) table.add(idOf(n), holdOf(n));
      return table.encode();
    };
    const bytesOf = ({ packed }: StoredHolds): Buffer => Buffer.from(packed, 'base64');
    const packed = (bytes: Uint8Array): StoredHolds => ({ packed: Buffer.from(bytes).toString('base64'), others: [] });

    it('that ends within a hold', () =>
      expect(() => HoldTable.decode(packed(bytesOf(stored()).subarray(0, -1)))).to.throw(CorruptionError, 'whole'));

    it('with a hold twice', () => {
      const bytes = bytesOf(stored());
      expect(() => HoldTable.decode(packed(Buffer.concat([bytes, bytes.subarray(0, 28)])))).to.throw(
        CorruptionError,
        'twice',
      );
      const others = [[idOf(1), holdOf(1)]] as const;
      expect(() => HoldTable.decode({ ...stored(), others })).to.throw(CorruptionError, 'twice');
    });

    it('with a hold of nothing', () =>
      expect(() => HoldTable.decode(packed(bytesOf(stored()).fill(0, 16, 20)))).to.throw(CorruptionError, 'nothing'));
  });
});
