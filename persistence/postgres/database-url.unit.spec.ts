import { expect } from 'chai';
import pg from 'pg';
import { connectionConfig } from './connection.ts';
import { readDatabaseUrl } from './database-url.ts';

const BASE = 'postgres://shop:p%40ss@db:5432/orders';

describe('DATABASE_URL for the driver', () => {
  for (const mode of ['prefer', 'require', 'verify-ca', 'verify-full']) {
    it(`checks the certificate with sslmode=${mode}, and the driver warns of nothing`, async () => {
      const warnings: unknown[] = [];
      const hear = (warning: unknown): void => void warnings.push(warning);
      process.on('warning', hear);
      const { ssl } = new pg.Client(connectionConfig(`${BASE}?sslmode=${mode}`, 'test')) as unknown as { ssl: object };
      await new Promise(setImmediate); // warnings come in a later turn
      process.off('warning', hear);
      expect(ssl).to.deep.equal({});
      expect(warnings).to.deep.equal([]);
    });
  }

  it('leaves the other modes, and who asks for those of libpq, alone', () => {
    for (const query of ['sslmode=disable', 'sslmode=no-verify', 'uselibpqcompat=true&sslmode=require']) {
      expect(readDatabaseUrl(`${BASE}?${query}`, []).connectionString).to.equal(`${BASE}?${query}`);
    }
  });

  it("puts the node's own options behind the operator's, and takes no other of its settings from the URL", () => {
    const url = `${BASE}?options=-c%20statement_timeout%3D1&application_name=x&types=y&query_timeout=1&host=%2Frun%2Fpg`;
    const config = connectionConfig(url, 'holdfast/test');
    expect(config.options).to.match(/^-c statement_timeout=1 -c TimeZone=UTC /);
    expect(config.connectionString).to.equal(`${BASE}?host=%2Frun%2Fpg`);
    expect(config.application_name).to.equal('holdfast/test');
  });

  it('is the same without a query', () => {
    expect(readDatabaseUrl(BASE, ['types'])).to.deep.equal({ connectionString: BASE, options: '' });
  });
});
