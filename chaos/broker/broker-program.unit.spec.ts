import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { findBrokerProgram } from './broker-program.ts';

describe("the search for RabbitMQ's server", () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'holdfast-test-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('takes what can be executed, in the order of the folders', async () => {
    for (const name of ['rabbitmq-server', 'epmd']) {
      await writeFile(path.join(folder, name), '');
      await chmod(path.join(folder, name), 0o700);
    }
    const { server, epmd } = findBrokerProgram(`${path.join(folder, 'nowhere')}:${folder}`, []);
    expect([server, epmd]).to.deep.equal([path.join(folder, 'rabbitmq-server'), path.join(folder, 'epmd')]);
  });

  it('says what is missing and what to do', async () => {
    await writeFile(path.join(folder, 'rabbitmq-server'), 'no program');
    expect(() => findBrokerProgram(folder, [])).to.throw(/"rabbitmq-server" is not installed.*--no-broker/);
  });
});
