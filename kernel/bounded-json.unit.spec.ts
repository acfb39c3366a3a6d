import { expect } from 'chai';
import { GROWTH_OF_LINEAR_MAX, growthOf } from '../test/support/growth.ts';
import { JSON_DEPTH_MAX, JSON_VALUES_MAX, JsonFault, parseBoundedJson } from './bounded-json.ts';

const repeated = (text: string, size: number): string => text.repeat(Math.ceil(size / text.length));

/** Each costs a parser, or those who look at its result, many times what orders of that size do. */
const HOSTILE: Readonly<Record<string, (size: number) => string>> = {
  'open lists': (size) => '['.repeat(size),
  'nested lists': (size) => '['.repeat(size / 2) + ']'.repeat(size / 2),
  'nested objects': (size) => `${repeated('{"a":', size)}1`,
  'nested behind an escaped quote': (size) => `["\\"",${'['.repeat(size)}`,
  'many names': (size) => `{${Array.from({ length: size / 8 }, (_, n) => `"k${n}":1`).join()}}`,
  'many numbers as names': (size) => `{${Array.from({ length: size / 8 }, (_, n) => `"${n * 7919}":1`).join()}}`,
  'one name many times': (size) => `{${repeated('"a":1,', size)}"a":1}`,
  'many numbers': (size) => `[${repeated('1,', size)}1]`,
  'many empty lists': (size) => `[${repeated('[],', size)}1]`,
  'many empty objects': (size) => `[${repeated('{},', size)}1]`,
};

/** Large, and cheap: these are for the schemas to judge. */
const LARGE: Readonly<Record<string, (size: number) => string>> = {
  'a long text': (size) => JSON.stringify('x'.repeat(size)),
  'a text of brackets': (size) => JSON.stringify('['.repeat(size)),
  'a text of escapes': (size) => `"${repeated('\\u0030\\"', size)}"`,
  'a long name': (size) => `{"${'k'.repeat(size)}":1}`,
  'a long number': (size) => '1'.repeat(size),
  spaces: (size) => `${' '.repeat(size)}1`,
};

const MIB = 1024 * 1024;

function faultOf(text: string | Buffer): string | undefined {
  try {
    parseBoundedJson(Buffer.from(text));
    return undefined;
  } catch (thrown) {
    expect(thrown).to.be.instanceOf(JsonFault);
    return (thrown as JsonFault).code;
  }
}

describe('JSON from outside', () => {
  for (const [shape, textOf] of Object.entries(HOSTILE)) {
    it(`is refused before it is parsed: a mebibyte of ${shape}`, () => {
      expect(faultOf(textOf(MIB))).to.be.oneOf(['too_deep', 'too_many_values']);
    });
  }

  for (const [shape, textOf] of Object.entries(LARGE)) {
    it(`costs no more a byte when there is more of it: ${shape}`, () => {
      expect(faultOf(textOf(MIB))).to.equal(undefined);
      const growth = growthOf((size) => faultOf(textOf(size)), MIB / 8);
      expect(growth).to.be.below(GROWTH_OF_LINEAR_MAX);
    });
  }

  it('may be as deep and as many as the limits say', () => {
    const padding = ' '.repeat(10_000);
    const deep = (levels: number): string => padding + '['.repeat(levels) + ']'.repeat(levels);
    expect(faultOf(deep(JSON_DEPTH_MAX))).to.equal(undefined);
    expect(faultOf(deep(JSON_DEPTH_MAX + 1))).to.equal('too_deep');
    const many = (count: number): string => `[${'1,'.repeat(count - 2)}1]`;
    expect(faultOf(many(JSON_VALUES_MAX - 1))).to.equal(undefined);
    expect(faultOf(many(JSON_VALUES_MAX + 1))).to.equal('too_many_values');
  });

  it('may begin with a byte order mark, and only with one', () => {
    expect(parseBoundedJson(Buffer.from('\ufeff{"a":1}')).value).to.deep.equal({ a: 1 });
    expect(faultOf('\ufeff\ufeff{"a":1}')).to.equal('malformed_json');
    expect(faultOf('\ufeff')).to.equal('malformed_json');
  });

  it('is UTF-8', () => {
    expect(faultOf(Buffer.from([0x22, 0xff, 0x22]))).to.equal('malformed_json');
    expect(faultOf(Buffer.from('\ufeff{"a":1}', 'utf16le'))).to.equal('malformed_json');
    expect(parseBoundedJson(Buffer.from('"Größe 漢 😀"')).value).to.equal('Größe 漢 😀');
  });
});
