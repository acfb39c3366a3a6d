import { expect } from 'chai';
import { GROWTH_OF_LINEAR_MAX, growthOf } from '../test/support/growth.ts';
import { isJsonType } from './media-type.ts';

describe('the media type of JSON', () => {
  const harmless = [
    'application/json',
    'application/json;',
    'application/json ; ',
    'application/json;;',
    'Application/JSON',
    'application/json; charset=utf8',
    'application/json; charset=UTF-8',
    'application/json;charset="utf-8"',
    "application/json; charset='UTF8'",
    'application/json; CHARSET = Utf-8 ;',
    'application/json; charset=us-ascii',
    'application/json; version=1; charset=utf-8',
    'application/json; profile="https://example.org/a;b"',
    'application/json; odata.metadata=minimal; IEEE754Compatible=true',
    '\tapplication/json\t',
  ];
  for (const type of harmless) {
    it(`is ${JSON.stringify(type)}`, () => {
      expect(isJsonType(type)).to.equal(true);
    });
  }

  const others = [
    '',
    ';',
    'text/plain',
    'text/json',
    'application/jsonp',
    'application/x-json',
    'application/json/x',
    'application/json, text/plain',
    'application/json; charset=utf-16',
    'application/json; charset=latin1',
    'application/json; charset=utf-8; charset=latin1',
    'application/json; charset=',
    `application/json; ${'a=b;'.repeat(100)}`,
  ];
  for (const type of others) {
    it(`is not ${JSON.stringify(type.slice(0, 60))}`, () => {
      expect(isJsonType(type)).to.equal(false);
    });
  }

  it('is recognised at a bounded cost', () => {
    const growth = growthOf((size) => isJsonType(`application/json${'; charset=utf-8'.repeat(size)}`), 20_000);
    expect(growth).to.be.below(GROWTH_OF_LINEAR_MAX);
  });
});
