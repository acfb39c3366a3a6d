import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { ConfigError } from './config-error.ts';
import { readOrCreateNodeId } from './node-id.ts';

describe('node id', () => {
  let dataDir: string;
  beforeEach(async () => (dataDir = await mkdtemp(path.join(tmpdir(), 'holdfast-node-id-'))));
  afterEach(() => rm(dataDir, { recursive: true, force: true }));

  it('is made once and kept, also by several that start at once', async () => {
    const ids = await Promise.all(Array.from({ length: 5 }, () => readOrCreateNodeId(dataDir)));
    expect(new Set(ids).size).to.equal(1);
    expect(await readOrCreateNodeId(dataDir)).to.equal(ids[0]);
  });

  it('names the file when it is damaged', async () => {
    await writeFile(path.join(dataDir, 'node-id'), 'not an id');
    const error: unknown = await readOrCreateNodeId(dataDir).catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(ConfigError);
    expect((error as Error).message).to.contain(path.join(dataDir, 'node-id'));
  });
});
