/** A Node that is too old is refused in one line, before anything is installed. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const SCRIPTS = fileURLToPath(new URL('../../scripts', import.meta.url));

describe('scripts/bootstrap.mjs', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'holdfast-bootstrap-'));
    await cp(SCRIPTS, path.join(folder, 'scripts'), { recursive: true });
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  function runOn(version: string): Promise<{ code: number; output: string }> {
    const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`;
    const args = ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`, 'scripts/bootstrap.mjs'];
    return new Promise((resolve) => {
      execFile(process.execPath, args, { cwd: folder }, (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr }),
      );
    });
  }

  for (const version of ['12.22.12', '18.20.8', '20.18.3']) {
    it(`refuses Node ${version} and installs nothing`, async () => {
      expect(await runOn(version)).to.deep.equal({
        code: 1,
        output: `holdfast: Node 20.19 or newer is needed, and this is ${version}. See https://nodejs.org.\n`,
      });
      expect(await readdir(folder)).to.deep.equal(['scripts']);
    });
  }

  for (const version of ['20.19.0', '22.0.0', '24.21.0']) {
    it(`accepts Node ${version}, and says nothing where nothing is to be done`, async () => {
      // As npm leaves it; and without tsconfig.json there is nothing to compile.
      await mkdir(path.join(folder, 'node_modules'));
      await writeFile(path.join(folder, 'node_modules', '.package-lock.json'), '{}');
      expect(await runOn(version)).to.deep.equal({ code: 0, output: '' });
    });
  }
});
