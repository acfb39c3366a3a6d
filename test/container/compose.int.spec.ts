/**
 * docker-compose.yml as compose itself reads it: what the nodes are given, and that no secret has a default. Nothing is
 * built or started.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { loadConfig } from '../../config/config.ts';
import { skipWithReason } from '../support/skip-with-reason.ts';

const ROOT = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const SECRETS = {
  JWT_SECRET: 'a secret that is long enough to be one of HS256',
  POSTGRES_PASSWORD: 'postgres-password',
  RABBITMQ_PASSWORD: 'rabbitmq-password',
};
const run = promisify(execFile);

/** The program with its first arguments; undefined where there is none. */
async function findCompose(): Promise<readonly string[] | undefined> {
  for (const [program, ...args] of [['docker', 'compose'], ['docker-compose']] as const) {
    const works = await run(program, [...args, 'version']).then(
      () => true,
      () => false,
    );
    if (works) return [program, ...args];
  }
  return undefined;
}

describe('docker-compose.yml', () => {
  let compose: readonly string[];
  let folder: string;

  before(async function () {
    compose = (await findCompose()) ?? skipWithReason(this, 'no docker compose on this machine');
  });
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'holdfast-compose-'));
    await writeFile(path.join(folder, 'empty.env'), '');
  });
  afterEach(async () => rm(folder, { recursive: true, force: true }));

  async function config(environment: Readonly<Record<string, string>>): Promise<string> {
    const [program, ...args] = compose;
    // No .env of the person who runs this may fill in missing settings.
    const empty = ['--env-file', path.join(folder, 'empty.env')];
    const files = ['--project-directory', ROOT, ...empty, '-f', path.join(ROOT, 'docker-compose.yml')];
    const { PATH, HOME } = process.env;
    return (await run(program!, [...args, ...files, 'config'], { env: { PATH, HOME, ...environment } })).stdout;
  }

  for (const missing of Object.keys(SECRETS)) {
    it(`names ${missing} where it is missing`, async () => {
      const rest = Object.fromEntries(Object.entries(SECRETS).filter(([name]) => name !== missing));
      const refused = await config(rest).then(
        () => 'it was accepted',
        ({ stderr }: { stderr: string }) => stderr,
      );
      expect(refused).to.contain(`${missing} is not set`);
    });
  }

  it('gives both nodes the same settings, which a node accepts, and starts them after what they need', async () => {
    const text = await config(SECRETS);
    expect(text.match(/condition: service_healthy/g), 'three each').to.have.lengthOf(6);
    const settingOf = (name: string): string[] =>
      [...text.matchAll(new RegExp(`^ +${name}: (.*)$`, 'gm'))].map(([, value]) =>
        value!.replace(/^["'](.*)["']$/, '$1'),
      );
    const names = ['DATABASE_URL', 'AMQP_URL', 'REDIS_URL', 'JWT_SECRET', 'HOST', 'WORKERS'];
    const settings = names.map((name) => {
      const values = settingOf(name);
      expect(values, name).to.have.lengthOf(2);
      expect(new Set(values).size, `${name} of both nodes`).to.equal(1);
      return [name, values[0]!] as const;
    });
    const { warnings, amqpUrl } = loadConfig(Object.fromEntries(settings));
    expect(warnings).to.deep.equal([]);
    expect(new URL(amqpUrl!).pathname, 'the default virtual host').to.equal('/%2F');
    for (const host of ['node-1', 'node-2']) expect(settingOf('hostname')).to.include(host);
  });

  it('is built without anything secret', async () => {
    const ignored = (await readFile(path.join(ROOT, '.dockerignore'), 'utf8')).split('\n');
    expect(ignored).to.include.members(['.env', '.env.*', '.holdfast', '.git']);
  });
});
