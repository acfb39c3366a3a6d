import { expect } from 'chai';
import { isSubject, qualifiedSubject } from './subject.ts';

describe('the name of a caller', () => {
  it('is printable, with spaces only inside, up to 200 characters', () => {
    for (const good of ['a', 'alice smith', 'auth0|5f', '\u00e5sa', 'x'.repeat(200), '\u{1f600}'.repeat(200)]) {
      expect(isSubject(good), good).to.equal(true);
    }
    for (const bad of ['', ' a', 'a ', 'a\u0000', 'a\nb', 'a\u200bb', 'a\u00a0b', 'x'.repeat(201), '\ud800']) {
      expect(isSubject(bad), JSON.stringify(bad)).to.equal(false);
    }
  });

  it('with its issuer never means two callers', () => {
    const parts = ['', 'a', 'b', '|', 'a|b', '|a', 'a|', '||', 'b|a|b'];
    const seen = new Map<string, string>();
    for (const issuer of parts) {
      for (const sub of parts.filter((part) => part !== '')) {
        const qualified = qualifiedSubject(issuer, sub);
        if (qualified === undefined) continue;
        const pair = JSON.stringify([issuer, sub]);
        expect(seen.get(qualified) ?? pair, qualified).to.equal(pair);
        seen.set(qualified, pair);
      }
    }
    expect(seen.size).to.be.greaterThan(20);
    expect(qualifiedSubject('x'.repeat(100), 'y'.repeat(100)), 'too long').to.equal(undefined);
  });
});
