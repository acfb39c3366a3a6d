import { expect } from 'chai';
import { matchesNone } from './entity-tag.ts';
import { idempotencyKeyOf } from './idempotency.ts';
import { canonicalJson } from '../kernel/canonical-json.ts';
import { parseInstant } from '../kernel/instant.ts';
import { preferredWaitSeconds } from './prefer.ts';
import { requestIdOf } from './request-id.ts';
import { isJsonType } from '../kernel/media-type.ts';
import { traceparentOf } from '../kernel/trace-context.ts';
import { GROWTH_OF_LINEAR_MAX, growthOf } from '../test/support/growth.ts';
import { decodeCursor } from '../actors/order/operations/order-cursor.ts';
import { parseQuery } from './query.ts';
import { isPrintableId } from '../kernel/printable-id.ts';

describe('Prefer: wait', () => {
  const cases: readonly (readonly [string | undefined, number | undefined])[] = [
    [undefined, undefined],
    ['wait=5', 5],
    ['respond-async, wait=10', 10],
    ['WAIT = "7"; a=b, handling=lenient', 7],
    ['wait=30', 30],
    ['wait=31', 30],
    [`wait=${'9'.repeat(400)}`, 30],
    ['wait=0', undefined],
    ['wait=-1', undefined],
    ['wait=1.5', undefined],
    ['wait=soon', undefined],
    ['await=5', undefined],
    ['wait', undefined],
  ];
  for (const [header, seconds] of cases) {
    it(`reads ${String(header)} as ${String(seconds)}`, () => {
      expect(preferredWaitSeconds(header)).to.equal(seconds);
    });
  }
});

describe('Request-Id', () => {
  it('is taken from the request where it is printable and short', () => {
    expect(requestIdOf('abc-123')).to.equal('abc-123');
  });
  it('is made where it is missing, too long or not printable, and is new each time', () => {
    const made = [undefined, '', 'a b', 'x'.repeat(129), 'ü', ['a', 'b']].map((header) => requestIdOf(header));
    expect(new Set(made).size).to.equal(made.length);
    for (const id of made) expect(id).to.match(/^[!-~]{8,40}$/);
  });
  it('is made where it looks like a card number: it stands in logs', () => {
    for (const header of [
      '4111111111111111',
      '4111-1111-1111-1111',
      'order/4111.1111.1111.1111',
      '4-1-1-1'.padEnd(31, '-1'),
    ]) {
      expect(requestIdOf(header), header).not.to.include('11-1').and.not.to.include('1111');
    }
    for (const header of ['902-3159896-1390916', '4111111111111112', '550e8400-e29b-41d4-a716-446655440000']) {
      expect(requestIdOf(header)).to.equal(header);
    }
  });
});

describe('headers, paths and queries as long as Node lets them be', () => {
  const UNITS = [
    ' ',
    ',',
    ';',
    '"',
    ', ',
    'wait=1 ',
    ',wait=1 ',
    'wait=1;',
    '"v1", ',
    '0 ',
    '%20',
    'a=1&',
    '&',
    '+',
    'a',
    '-',
    '\u2003',
  ];
  const READERS: Readonly<Record<string, (text: string) => unknown>> = {
    Prefer: preferredWaitSeconds,
    'If-None-Match': (text) => matchesNone(text, '"v3"'),
    'Request-Id': requestIdOf,
    'Idempotency-Key': (text) => idempotencyKeyOf({ headers: { 'idempotency-key': text }, headersDistinct: {} }),
    traceparent: traceparentOf,
    'Content-Type': (text) => isJsonType(`application/json;${text}`),
    query: parseQuery,
    cursor: (text) => decodeCursor(text, ''),
    id: (text) => isPrintableId(`a${text}\u0001`, 200),
    moment: parseInstant,
  };
  for (const [name, read] of Object.entries(READERS)) {
    it(`cost no more a character when there are more: ${name}`, () => {
      for (const unit of UNITS) {
        const growth = growthOf((size) => {
          for (let time = 0; time < 20; time++) {
            try {
              read(unit.repeat(size / unit.length));
            } catch {
              // refused
            }
          }
        }, 2_000);
        expect(growth, JSON.stringify(unit)).to.be.below(GROWTH_OF_LINEAR_MAX);
      }
    });
  }
});

describe('If-None-Match', () => {
  it('compares weakly, with any of a list', () => {
    for (const header of ['"v3"', 'W/"v3"', '"v1", "v3"', '*']) expect(matchesNone(header, '"v3"')).to.equal(true);
    for (const header of [undefined, '', 'v3', '"v33"', '"V3"']) expect(matchesNone(header, '"v3"')).to.equal(false);
  });
});

describe('Idempotency-Key', () => {
  const keyOf = (key: string, distinct: readonly string[] = [key]): string | undefined =>
    idempotencyKeyOf({ headers: { 'idempotency-key': key }, headersDistinct: { 'idempotency-key': [...distinct] } });

  it('is any printable ASCII up to 255 characters', () => {
    for (const key of ['k', 'a b', '"quoted"', 'a, b', 'x'.repeat(255)]) expect(keyOf(key)).to.equal(key);
    expect(idempotencyKeyOf({ headers: {}, headersDistinct: {} })).to.equal(undefined);
  });
  it('is refused when empty, too long, not printable, or sent twice', () => {
    for (const key of ['', 'x'.repeat(256), 'schlüssel', 'a\tb']) {
      expect(() => keyOf(key))
        .to.throw()
        .with.property('code', 'idempotency_key_invalid');
    }
    expect(() => keyOf('a, b', ['a', 'b']))
      .to.throw()
      .with.property('code', 'idempotency_key_invalid');
  });
});

describe('canonical JSON', () => {
  it('does not depend on the order of keys or on absent members', () => {
    expect(canonicalJson({ b: [1, { d: null, c: 'x' }], a: undefined })).to.equal('{"b":[1,{"c":"x","d":null}]}');
  });
});

describe('moments in ISO 8601', () => {
  it('are read with and without time and offset', () => {
    const midnight = Date.UTC(2010, 11, 1);
    expect(parseInstant('2010-12-01')).to.equal(midnight);
    expect(parseInstant('2010-12-01T08:26')).to.equal(midnight + 506 * 60_000);
    expect(parseInstant('2010-12-01 08:26:00')).to.equal(midnight + 506 * 60_000);
    expect(parseInstant('2010-12-01T08:26:00.5+01:00')).to.equal(midnight + 446 * 60_000 + 500);
    expect(parseInstant('2024-02-29')).to.equal(Date.UTC(2024, 1, 29));
  });
  it('are refused in any other form, and for days that do not exist', () => {
    for (const text of [
      '',
      'now',
      '2010',
      '12/1/2010',
      '2011-02-29',
      '2010-13-01',
      '2010-12-01T24:00',
      '2010-12-01T08:61',
      '1291161600',
    ]) {
      expect(parseInstant(text)).to.equal(undefined);
    }
  });
});
