import { expect } from 'chai';
import { routingKeyOf } from '../../kernel/entity-id.ts';
import { reservationEntity } from '../../actors/reservation/reservation.ts';
import { paymentEntity } from '../../actors/payment/payment.ts';
import { orderEntity } from '../../actors/order/order.ts';
import { SHARD_HASH, shardOf } from './shard-of.ts';

const SHARDS = 128;

describe('shardOf', () => {
  it('is this function and stays it: databases were begun with it', () => {
    expect(SHARD_HASH).to.equal('fnv1a32-avalanche');
    const known: readonly (readonly [string, number])[] = KNOWN;
    expect(known.map(([key]) => [key, shardOf(key, SHARDS)])).to.deep.equal(known);
    expect(shardOf('85123A', 1)).to.equal(0);
  });

  it('is a shard for every text', () => {
    for (const key of ['', '\u0000', '😀', '\uD800', 'x'.repeat(10_000)]) {
      for (const shards of [1, 2, 7, 128, 1_024]) expect(shardOf(key, shards)).to.be.within(0, shards - 1);
    }
  });

  for (const [name, keyOf] of [
    ['ids that begin alike', (n: number) => `01890a5d-ac96-774b-bcce-${n.toString(16).padStart(12, '0')}`],
    ['products in sequence', (n: number) => `SKU-${n}`],
    ['numbers', (n: number) => String(n)],
  ] as const) {
    it(`spreads ${name} evenly over ${SHARDS} shards`, () => {
      const counts = new Array<number>(SHARDS).fill(0);
      const KEYS = 128_000;
      for (let n = 0; n < KEYS; n++) counts[shardOf(keyOf(n), SHARDS)]!++;
      // Chi-squared with 127 degrees of freedom: beyond 200 is one in 30,000 by chance.
      const mean = KEYS / SHARDS;
      const chiSquared = counts.reduce((sum, count) => sum + (count - mean) ** 2 / mean, 0);
      expect(chiSquared).to.be.lessThan(200);
    });
  }

  it('spreads the shards over any number of workers', () => {
    for (const workers of [2, 3, 5, 8]) {
      const counts = new Array<number>(workers).fill(0);
      for (let n = 0; n < 30_000; n++) counts[shardOf(`SKU-${n}`, SHARDS) % workers]!++;
      for (const count of counts) expect(count).to.be.closeTo(30_000 / workers, (30_000 / workers) * 0.1);
    }
  });

  it('keeps an order, its payment and its reservation together', () => {
    const id = '01890a5d-ac96-774b-bcce-b302099a8057';
    const shards = [orderEntity(id), paymentEntity(id), reservationEntity(id)].map((entity) =>
      shardOf(routingKeyOf(entity), SHARDS),
    );
    expect(new Set(shards).size).to.equal(1);
  });
});

/** Worked out once by the function that the first database was begun with. */
const KNOWN: [string, number][] = [
  ['', 11],
  ['a', 51],
  ['85123A', 44],
  ['22423', 92],
  ['POST', 106],
  ['Größe', 64],
  ['😀', 38],
  ['01890a5d-ac96-774b-bcce-b302099a8057', 65],
  ['00000000-0000-7000-8000-000000000001', 19],
  ['a product with spaces', 58],
];
