import { expect } from 'chai';
import { isUuid, uuidV5, uuidV7 } from './ids.ts';

const AT = 1_645_557_742_000;
/** Enough to go through the pool of random bytes several times. */
const MANY = 2_000;

describe('uuidV7', () => {
  it('begins with the 48 bits of its time (RFC 9562, appendix A.6)', () => {
    expect(uuidV7(AT).slice(0, 13)).to.equal('017f22e2-79b0');
  });

  it('has version 7, the variant 10 and the canonical form', () => {
    for (let count = 0; count < MANY; count += 1) {
      expect(uuidV7(AT)).to.match(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }
  });

  it('sorts as text in the order of its time, to the millisecond', () => {
    const times = [0, 1, 255, 256, AT - 1, AT, AT + 1, AT + 1_000, 2 ** 48 - 1];
    const ids = times.map(uuidV7);
    expect([...ids].sort()).to.deep.equal(ids);
  });

  it('differs each time within one millisecond', () => {
    const ids = new Set(Array.from({ length: MANY }, () => uuidV7(AT)));
    expect(ids.size).to.equal(MANY);
  });

  it('lets every bit behind time, version and variant vary', () => {
    const [or, and] = Array.from({ length: MANY }, () => BigInt(`0x${uuidV7(AT).replaceAll('-', '')}`)).reduce<
      [bigint, bigint]
    >(([any, all], id) => [any | id, all & id], [0n, (1n << 128n) - 1n]);
    expect((or ^ and).toString(16)).to.equal('fff3fffffffffffffff');
  });
});

describe('uuidV5', () => {
  const DNS = '6ba7b810-9dad-11d1-80b4-00c04fd430c8';

  it('is the one of RFC 9562, appendix A.4', () => {
    expect(uuidV5(DNS, 'www.example.com')).to.equal('2ed6657d-e927-568b-95e1-2665a8aea6a2');
  });

  it('is the same for the same name, and another for another name or namespace', () => {
    const other = '6ba7b811-9dad-11d1-80b4-00c04fd430c8';
    expect(uuidV5(DNS, 'a')).to.equal(uuidV5(DNS, 'a'));
    expect(
      new Set([uuidV5(DNS, 'a'), uuidV5(DNS, 'b'), uuidV5(other, 'a'), uuidV5(DNS, ''), uuidV5(DNS, 'A')]).size,
    ).to.equal(5);
  });

  it('has version 5 and the variant 10', () => {
    for (let count = 0; count < 200; count += 1) {
      expect(uuidV5(DNS, `name ${count}`)).to.match(
        /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      );
    }
  });

  it('takes any text as a name, by its UTF-8', () => {
    expect(isUuid(uuidV5(DNS, 'Größe 😀'))).to.equal(true);
    expect(uuidV5(DNS, 'é')).not.to.equal(uuidV5(DNS, 'e\u0301'));
  });
});

describe('isUuid', () => {
  it('takes what is made here', () => {
    expect([uuidV7(AT), uuidV5(uuidV7(AT), 'name')].every(isUuid)).to.equal(true);
  });

  const id = '017f22e2-79b0-7cc3-98c4-dc0c0c07398f';
  for (const text of [
    '',
    id.toUpperCase(),
    `${id}\n`,
    ` ${id}`,
    `{${id}}`,
    id.replaceAll('-', ''),
    id.slice(1),
    `${id}0`,
    id.replace('f', 'g'),
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      expect(isUuid(text)).to.equal(false);
    });
  }
});
