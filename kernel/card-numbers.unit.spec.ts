import { expect } from 'chai';
import fc from 'fast-check';
import { holdsCardNumber } from './card-numbers.ts';

/** Of each scheme, from the test pages of payment providers. */
const NUMBERS = {
  'Visa, 13 digits': '4222222222222',
  Visa: '4111111111111111',
  'Visa, 19 digits': '4917610000000000003',
  Mastercard: '5555555555554444',
  'Mastercard, series 2': '2223003122003222',
  'American Express': '378282246310005',
  'Diners Club': '30569309025904',
  'Diners Club, series 36': '36227206271667',
  Discover: '6011111111111117',
  JCB: '3530111333300000',
  UnionPay: '6200000000000005',
  'UnionPay, 19 digits': '6205500000000000004',
  Maestro: '6759649826438453',
  'Maestro, 19 digits': '6304000000000000000',
  Mir: '2200000000000004',
  RuPay: '6521111111111110',
  'RuPay, series 508': '5085000000000007',
};

/** Everything that people and programs put between groups. */
const SEPARATORS: Readonly<Record<string, string>> = {
  space: ' ',
  'two spaces': '  ',
  'five spaces': '     ',
  dash: '-',
  'dash between spaces': ' - ',
  'en dash between spaces': ' \u2013 ',
  'figure dash': '\u2012',
  minus: '\u2212',
  dot: '.',
  slash: '/',
  'slash between spaces': ' / ',
  underscore: '_',
  comma: ',',
  tab: '\t',
  'line break': '\r\n',
  'no-break space': '\u00a0',
  'thin space': '\u2009',
  'narrow no-break space': '\u202f',
  'ideographic space': '\u3000',
  'ogham space': '\u1680',
  'zero-width space': '\u200b',
  'zero-width joiner': '\u200d',
  'word joiner': '\u2060',
  'byte order mark': '\ufeff',
  'soft hyphen': '\u00ad',
  'left-to-right mark': '\u200e',
  'Hangul filler': '\u3164',
  'Braille blank': '\u2800',
  'middle dot': '\u00b7',
  bullet: ' \u2022 ',
  bar: ' | ',
};

const fours = (digits: string): string[] => digits.match(/.{1,4}/g) ?? [];

const digitsFrom = (zero: number) => (digits: string) =>
  [...digits].map((digit) => String.fromCodePoint(zero + Number(digit))).join('');

/** The same digits in other scripts and forms. */
const FORMS: Readonly<Record<string, (digits: string) => string>> = {
  'full width': digitsFrom(0xff10),
  Arabic: digitsFrom(0x0660),
  Persian: digitsFrom(0x06f0),
  Devanagari: digitsFrom(0x0966),
  Thai: digitsFrom(0x0e50),
  'bold mathematical': digitsFrom(0x1d7ce),
  Adlam: digitsFrom(0x1e950),
  superscript: (digits) => [...digits].map((digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'.charAt(Number(digit))).join(''),
  'as keycaps': (digits) => [...digits].map((digit) => `${digit}\ufe0f\u20e3`).join(''),
  'with a combining mark': (digits) => [...digits].join('\u0332'),
  'half of it full width': (digits) => digits.slice(0, 8) + digitsFrom(0xff10)(digits.slice(8)),
};

describe('card numbers', () => {
  describe('are found', () => {
    for (const [name, digits] of Object.entries(NUMBERS)) {
      it(`in one run, of ${name}`, () => {
        expect(holdsCardNumber(digits)).to.equal(true);
        expect(holdsCardNumber(`card: ${digits}, thanks`)).to.equal(true);
        expect(holdsCardNumber(`tok${digits}x`)).to.equal(true);
      });

      it(`in groups with any separator, of ${name}`, () => {
        const missed = Object.entries(SEPARATORS).filter(
          ([, between]) => !holdsCardNumber(fours(digits).join(between)),
        );
        expect(missed.map(([separator]) => separator)).to.deep.equal([]);
      });

      it(`digit by digit, of ${name}`, () => {
        const missed = Object.entries(SEPARATORS).filter(([, between]) => !holdsCardNumber([...digits].join(between)));
        expect(missed.map(([separator]) => separator)).to.deep.equal([]);
      });
    }

    for (const [form, write] of Object.entries(FORMS)) {
      it(`in other digits: ${form}`, () => {
        expect(holdsCardNumber(write(NUMBERS.Visa))).to.equal(true);
        expect(holdsCardNumber(`Straße 5, ${fours(NUMBERS.Mastercard).map(write).join(' - ')}.`)).to.equal(true);
      });
    }

    const texts = [
      '3782 822463 10005',
      '3056 930902 5904',
      'flat 12 4111 1111 1111 1111',
      '4111 1111 1111 1111 12/27 123',
      '4111  1111 - 1111/1111',
      'visa 411111 1111111111',
      '41111111 11111111',
      '4111 11111111 1111',
      '41 11 11 11 11 11 11 11',
      '411 111 111 111 111 1',
      '4111-1111-111-11111',
      'no4111 1111 1111 1111exp12/27',
      '5555 5555 5555 4444 4111 1111 1111 1111',
      `${'9'.repeat(40)} 4111111111111111`,
      '⑯ 4111111111111111',
    ];
    for (const text of texts) {
      it(`in "${text}"`, () => {
        expect(holdsCardNumber(text)).to.equal(true);
      });
    }
  });

  describe('are not seen', () => {
    const texts = [
      '4111111111111112', // check digit
      '411111111111', // 12 digits
      '41111111111111111111', // 20 digits
      '0000000000000000',
      '9999999999999995', // no issuer
      '1 High Street, LS1 1AA',
      '+44 20 7946 0958',
      '+44 20 7946 0958, +44 20 7946 0959, +1 (415) 555-2671',
      '550e8400-e29b-41d4-a716-446655440000',
      '41111111-1111-4111-8111-111111111111',
      '2026-01-15T12:00:00.000Z',
      '2026-01-15 12:00:00.000',
      '902-3159896-1390916',
      '302-3622720-6271667', // its last 14 digits are a Diners Club number
      '978-3-16-148410-0',
      '4006381333931', // a German article
      '5012345678900', // a British article
      '4111 1111 and 1111 1111',
      '4111 ---- 1111 ---- 1111 ---- 1111',
      'Größe 12, Länge 3456, Breite 7890, Höhe 12, Tiefe 1234',
      '',
    ];
    for (const text of texts) {
      it(`in "${text}"`, () => {
        expect(holdsCardNumber(text)).to.equal(false);
      });
    }
  });

  describe('are seldom seen where there are none', () => {
    /** The same each time: a test that fails one day in a hundred helps little. */
    function randomDigits(seed: number): (count: number) => string {
      let state = seed;
      const next = (): number => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0);
      return (count) => Array.from({ length: count }, () => Math.floor((next() / 2 ** 32) * 10)).join('');
    }
    const TRIES = 20_000;

    function shareOf(make: (digits: (count: number) => string) => string): number {
      const digits = randomDigits(7);
      let seen = 0;
      for (let n = 0; n < TRIES; n++) if (holdsCardNumber(make(digits))) seen += 1;
      return seen / TRIES;
    }

    function withEanCheckDigit(twelve: string): string {
      const sum = [...twelve].reduce((total, digit, at) => total + Number(digit) * (at % 2 === 0 ? 1 : 3), 0);
      return twelve + String((10 - (sum % 10)) % 10);
    }

    it('in order numbers of marketplaces: never', () => {
      expect(shareOf((digits) => `${digits(3)}-${digits(7)}-${digits(7)}`)).to.equal(0);
    });

    it('in article numbers (EAN-13): never', () => {
      expect(shareOf((digits) => withEanCheckDigit(digits(12)))).to.equal(0);
    });

    it('in references of 13 digits: one in a hundred, all of which begin with a 4', () => {
      expect(shareOf((digits) => digits(13))).to.be.below(0.011);
      expect(shareOf((digits) => `7${digits(12)}`)).to.equal(0);
    });

    it('in UUIDs: never', () => {
      const hex = (): string => globalThis.crypto.randomUUID();
      expect(shareOf(hex)).to.equal(0);
    });

    it('in telephone numbers and moments: never', () => {
      expect(shareOf((digits) => `+${digits(2)} ${digits(3)} ${digits(4)} ${digits(4)}`)).to.equal(0);
      expect(shareOf((digits) => `2026-0${digits(1)}-1${digits(1)} 1${digits(1)}:${digits(2)}:${digits(2)}`)).to.equal(
        0,
      );
    });
  });

  it('find any valid number wherever it stands, however it is grouped in fours', () => {
    const separator = fc.constantFrom(...Object.values(SEPARATORS));
    const number = fc.constantFrom(...Object.values(NUMBERS));
    const around = fc.string({ unit: fc.constantFrom(' ', 'a', 'ü', '?', '.', '漢') });
    fc.assert(
      fc.property(around, number, separator, around, (before, digits, between, after) => {
        // Letters at its sides would make it part of something else.
        expect(holdsCardNumber(`${before} ${fours(digits).join(between)} ${after}`)).to.equal(true);
      }),
    );
  });
});
