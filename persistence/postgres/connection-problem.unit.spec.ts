/** Causes that no test's server can be brought to: what the driver says of them, and what a person reads. */
import { expect } from 'chai';
import { connectionProblem } from './connection-problem.ts';

describe('why the database can not be reached', () => {
  const said = [
    'SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string',
    'SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a non-empty string',
    'empty password returned by client',
  ];
  for (const text of said) {
    it(`says that DATABASE_URL has no password (${text})`, () => {
      const error = Object.assign(new Error(text), text.startsWith('SASL') ? {} : { code: '28P01' });
      expect(connectionProblem(error)).to.match(/wants a password, and DATABASE_URL has none\. Write postgres:/);
    });
  }

  it('takes a wrong password for what it is', () => {
    const error = Object.assign(new Error('password authentication failed for user "shop"'), { code: '28P01' });
    expect(connectionProblem(error)).to.match(/refuses the user or the password/);
  });
});
