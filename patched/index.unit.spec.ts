import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { StartupError } from '../kernel/errors.ts';
import { assertPatches, PATCHED_PACKAGES } from './index.ts';

describe('patched internals', () => {
  it('are those of the packages that are installed, and of this Node', () => assertPatches());

  it('refuse another version, and name it, the expected one and the test', () => {
    const [first] = PATCHED_PACKAGES;
    const other = { ...first!, version: '0.0.1' };
    expect(() => assertPatches([other])).to.throw(
      StartupError,
      /^@koa\/router 15\.7\.0 is installed, and this program reaches into @koa\/router 0\.0\.1\..*koa-router-match\.unit/,
    );
  });

  it('name tests that are there', () => {
    for (const { test } of PATCHED_PACKAGES) expect(readFileSync(test, 'utf8')).to.match(/patched/);
  });

  it('stand with exact versions in package.json', () => {
    const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      dependencies: Record<string, string>;
    };
    for (const { name, version } of PATCHED_PACKAGES) expect(dependencies[name]).to.equal(version);
  });
});
