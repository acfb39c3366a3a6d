import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { MESSAGE_COMMANDS, PUBLIC_EVENTS } from '../../actors/index.ts';
import { asyncApiDocument } from '../../messaging/contracts/async-api.ts';
import {
  brokenContracts,
  contractFiles,
  staleContracts,
  type ContractFiles,
} from '../../messaging/contracts/contract-files.ts';
import { contractFolder, readContracts, writeContracts } from './contract-folder.ts';

const current = contractFiles(PUBLIC_EVENTS, asyncApiDocument(PUBLIC_EVENTS, MESSAGE_COMMANDS));

describe('the committed contract', () => {
  let committed: ContractFiles;
  before(async () => {
    committed = await readContracts(contractFolder());
  });

  it('is broken by nothing that the code sends', () => {
    expect(brokenContracts(committed, current)).to.deep.equal([]);
  });

  it('is what the code makes: else run `npm run -s contracts -- write`', () => {
    expect(staleContracts(committed, current)).to.deep.equal([]);
  });

  it('has a schema and a sample of every public event, and the document', () => {
    const expected = PUBLIC_EVENTS.types.flatMap((type) => [`${type}.schema.json`, `samples/${type}.json`]);
    expect([...committed.keys()]).to.have.members([...expected, 'asyncapi.json']);
  });

  it('leaves every object open: consumers ignore what they do not know', () => {
    for (const [name, text] of committed) {
      if (name.endsWith('.schema.json')) expect(text, name).not.to.include('additionalProperties');
    }
  });
});

describe('a change to the contract', () => {
  const changed = (name: string, change: (schema: { properties: object; required: string[] }) => void) => {
    const schema = JSON.parse(current.get(name) ?? '') as { properties: object; required: string[] };
    change(schema);
    return new Map([...current, [name, JSON.stringify(schema)]]);
  };
  const name = 'order.confirmed.v1.schema.json';

  it('is breaking where a published member is lost, and is named with its event', () => {
    const published = changed(name, ({ properties, required }) => {
      Object.assign(properties, { at: { type: 'string' } });
      required.push('at');
    });
    expect(brokenContracts(published, current)).to.deep.equal(['order.confirmed.v1: at: is no longer there']);
  });

  it('is breaking where a published event is lost', () => {
    const published = new Map([...current, ['order.lost.v1.schema.json', '{}']]);
    expect(brokenContracts(published, current)).to.deep.equal(['order.lost.v1: is no longer sent']);
  });

  it('is no breach where a member or an event is new, but has to be written', () => {
    const published = changed(name, (schema) => Object.assign(schema, { properties: {}, required: [] }));
    published.delete('order.cancelled.v1.schema.json');
    expect(brokenContracts(published, current)).to.deep.equal([]);
    expect(staleContracts(published, current)).to.deep.equal(['order.cancelled.v1.schema.json', name]);
  });
});

describe('the folder of the contract', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'holdfast-contracts-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('holds after a write exactly what was written', async () => {
    await writeFile(path.join(folder, 'old.json'), '{}');
    await writeContracts(folder, await readContracts(folder), current);
    expect(await readContracts(folder)).to.deep.equal(current);
  });

  it('is empty where there is none yet', async () => {
    expect((await readContracts(path.join(folder, 'none'))).size).to.equal(0);
  });
});
