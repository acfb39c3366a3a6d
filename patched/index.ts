/**
 * Every place where this program reaches into what a package or Node keeps to itself. One file each: what is changed,
 * why, the exact version it was written for, and the test that fails once the patch is no longer needed.
 *
 * An update of such a package is refused at start, before it can break in the middle of an order. Node is not refused
 * by its version, because several are supported: its internals are looked for instead.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { StartupError } from '../kernel/errors.ts';
import { KOA_ROUTER } from './koa-router-match.ts';
import { NACT } from './nact-actor.ts';
import { missingHandles } from './node-handles.ts';
import { missingOfHttp } from './node-http.ts';
import type { PatchedPackage } from './patched-package.ts';
import { RABBITMQ_CLIENT } from './rabbitmq-channel.ts';

export const PATCHED_PACKAGES: readonly PatchedPackage[] = [KOA_ROUTER, NACT, RABBITMQ_CLIENT];

/** @throws StartupError that names what is not as it was when a patch was written. */
export function assertPatches(packages = PATCHED_PACKAGES): void {
  for (const { name, version, test } of packages) {
    const found = installedVersion(name);
    if (found === version) continue;
    throw new StartupError(
      `${name} ${found} is installed, and this program reaches into ${name} ${version}. Run "npm ci". ` +
        `To update it, look at patched/, and at ${test}, which tells whether its patches are still needed.`,
    );
  }
  const missing = [...missingHandles(), ...missingOfHttp()];
  if (missing.length === 0) return;
  throw new StartupError(
    `Node ${process.version} lacks ${missing.join(', ')}, which this program needs (see patched/). Use Node 20.19, 22 or 24.`,
  );
}

const require = createRequire(import.meta.url);

/** A package may keep its package.json from being imported, so it is read beside the code. */
function installedVersion(name: string): string {
  for (let folder = path.dirname(require.resolve(name)); ; folder = path.dirname(folder)) {
    const found = packageIn(folder);
    if (found?.name === name && found.version !== undefined) return found.version;
    if (folder === path.dirname(folder)) return 'of an unknown version';
  }
}

function packageIn(folder: string): { readonly name?: string; readonly version?: string } | undefined {
  try {
    return JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as { name?: string; version?: string };
  } catch {
    return undefined;
  }
}
