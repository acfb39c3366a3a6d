import { expect } from 'chai';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { jwtVerify } from 'jose';

const COMMAND = fileURLToPath(new URL('./token.ts', import.meta.url));
const SECRET = 'a-secret-of-at-least-thirty-two-bytes';

describe('npm run token', () => {
  let dataDir: string;
  before(async () => void (dataDir = await mkdtemp(path.join(tmpdir(), 'holdfast-test-'))));
  after(async () => await rm(dataDir, { recursive: true, force: true }));

  async function token(args: string | readonly string[], env: NodeJS.ProcessEnv = {}) {
    return await new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      const options = { env: { PATH: process.env['PATH'], DATA_DIR: dataDir, ...env } };
      const child = execFile(
        process.execPath,
        [
          '--import',
          'tsx',
          COMMAND,
          ...(typeof args === 'string' ? args.split(' ').filter((arg) => arg !== '') : args),
        ],
        options,
        (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
      );
    });
  }

  async function claimsOf(text: string, secret: string) {
    return (await jwtVerify(text.trim(), new TextEncoder().encode(secret))).payload;
  }

  it('signs with JWT_SECRET, for the issuer and audience of the node', async () => {
    const env = { JWT_SECRET: SECRET, JWT_ISSUER: 'me', JWT_AUDIENCE: 'you' };
    const { code, stdout } = await token('--role customer --sub alice --ttl 15m', env);
    expect(code).to.equal(0);
    const claims = await claimsOf(stdout, SECRET);
    expect(claims).to.include({ sub: 'alice', role: 'customer', iss: 'me', aud: 'you' });
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).to.equal(15 * 60);
  });

  it('signs with the secret of DATA_DIR, making it where it is absent', async () => {
    const { code, stdout } = await token('--role admin --sub root');
    expect(code).to.equal(0);
    const secret = (await readFile(path.join(dataDir, 'jwt-secret'), 'utf8')).trim();
    expect(await claimsOf(stdout, secret)).to.include({ role: 'admin' });
  });

  const UNCLEAR = [
    ['', '--role is missing'],
    ['--role king --sub a', '--role "king"'],
    ['--role admin', '--sub is missing'],
    [['--role', 'admin', '--sub', ' alice'], '--sub must have 1 to 200 printable characters'],
    [['--role', 'admin', '--sub', 'x'.repeat(201)], '--sub must have 1 to 200 printable characters'],
    ['--role admin --sub a --ttl 1y', '--ttl "1y"'],
    ['--role admin --sub a --ttl 0s', '--ttl "0s"'],
    ['--role admin --sub a --colour red', '--colour'],
    ['--role admin --sub a stray', 'stray'],
  ] as const;
  for (const [args, remedy] of UNCLEAR) {
    it(`answers "${String(args).slice(0, 60)}" with status 2 and what is wrong`, async () => {
      const { code, stdout, stderr } = await token(args);
      expect({ code, stdout }).to.deep.equal({ code: 2, stdout: '' });
      expect(stderr).to.include(remedy).and.include('Usage:');
    });
  }

  it('refuses where an identity provider signs', async () => {
    const { code, stderr } = await token('--role admin --sub a', { JWKS_URL: 'https://id.example/keys' });
    expect(code).to.equal(1);
    expect(stderr).to.include('JWKS_URL is set');
  });

  it('refuses on a node that others can reach, unless that is allowed', async () => {
    const { code, stderr } = await token('--role admin --sub a', { HOST: '0.0.0.0' });
    expect(code).to.equal(1);
    expect(stderr).to.include('not loopback').and.include('ALLOW_DEV_TOKENS=true');
    expect(await token('--role admin --sub a', { HOST: '0.0.0.0', ALLOW_DEV_TOKENS: 'true' })).to.include({ code: 0 });
  });

  it('explains a bad setting without a stack trace', async () => {
    const { code, stderr } = await token('--role admin --sub a', { PORT: 'x' });
    expect(code).to.equal(1);
    expect(stderr)
      .to.include('PORT "x"')
      .and.not.match(/\n\s+at /);
  });

  it('shows its help', async () => {
    const { code, stdout } = await token('--help');
    expect(code).to.equal(0);
    expect(stdout).to.include('Usage: npm run -s token');
  });
});
