import { expect } from 'chai';
import { CURRENCIES, WITHDRAWN_CURRENCIES } from './currencies.ts';

/** Codes that Node.js knows and that no order may have: funds, metals, units of account. */
const NO_MONEY = new Set(
  'BOV CHE CHW CLF COU MXV USN UYI UYW XAD XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX'.split(' '),
);

describe('currencies', () => {
  it('are codes of three letters, each once, and none that was withdrawn', () => {
    expect(CURRENCIES.size).to.equal(155);
    for (const code of CURRENCIES) expect(code).to.match(/^[A-Z]{3}$/);
    for (const code of Object.keys(WITHDRAWN_CURRENCIES)) expect(CURRENCIES.has(code), code).to.equal(false);
    for (const code of Object.values(WITHDRAWN_CURRENCIES)) expect(CURRENCIES.has(code), code).to.equal(true);
  });

  it('have the latest ones, and no funds, metals or test codes', () => {
    for (const code of ['XCG', 'ZWG', 'SLE', 'VED', 'VES', 'STN', 'MRU', 'BYN'])
      expect(CURRENCIES.has(code), code).to.equal(true);
    for (const code of NO_MONEY) expect(CURRENCIES.has(code), code).to.equal(false);
    for (const code of ['DEM', 'gbp', '', 'GBPX', 'EEK']) expect(CURRENCIES.has(code), code).to.equal(false);
  });

  it('miss none that Node.js knows', () => {
    const missed = Intl.supportedValuesOf('currency').filter(
      (code) => !CURRENCIES.has(code) && !(code in WITHDRAWN_CURRENCIES) && !NO_MONEY.has(code),
    );
    expect(missed, 'new codes of ISO 4217, or withdrawn ones: add them to the one list or the other').to.deep.equal([]);
  });
});
