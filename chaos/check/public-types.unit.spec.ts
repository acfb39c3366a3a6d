import { readdirSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { PUBLIC_TYPES, publicTypeOf, RELEASES } from './public-types.ts';

const CONTRACTS = path.resolve(import.meta.dirname, '..', '..', 'contracts');
const SCHEMA = /^(.+)\.schema\.json$/;

describe("the kit's own list of public events", () => {
  it('names each schema in contracts/ once, and nothing else', () => {
    const published = readdirSync(CONTRACTS).flatMap((file) => SCHEMA.exec(file)?.[1] ?? []);
    const listed = [...Object.values(PUBLIC_TYPES), ...Object.values(RELEASES)].filter((type) => type !== '');
    expect(listed).to.have.members(published);
  });

  it('tells a release by its reason', () => {
    const released = (reason: string): string | undefined => publicTypeOf({ type: 'InventoryReleased', reason });
    expect(released('requested')).to.equal('inventory.released.v1');
    expect(released('expired')).to.equal('inventory.expired.v1');
    expect(released('unavailable')).to.equal(undefined);
  });

  it('knows nothing of a private event', () => {
    expect(publicTypeOf({ type: 'StockHeld' })).to.equal(undefined);
  });
});
