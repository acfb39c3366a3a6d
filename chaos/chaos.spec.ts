/** A short run of the real program: every part of the kit at work, on a node that keeps its promises. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { RunReport } from './run-report.ts';
import { skipWithReason } from '../test/support/skip-with-reason.ts';

const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const SEED = '681';
const MINUTES = '0.35';

describe('the fault kit', () => {
  it('finds nothing wrong with a node in a short run, and leaves nothing behind', async function () {
    if (process.platform !== 'linux') skipWithReason(this, 'the fault kit reads /proc, which only Linux has');
    const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-test-'));
    try {
      const file = path.join(folder, 'report.json');
      const program = path.join(ROOT, 'dist', 'chaos', 'main.js');
      const args = [program, '--seed', SEED, '--minutes', MINUTES, '--nodes', '1', '--rate', '40', '--json', file];
      const { code, output } = await new Promise<{ code: unknown; output: string }>((resolve) => {
        execFile(process.execPath, args, { env: { ...process.env, TMPDIR: folder } }, (error, stdout, stderr) =>
          resolve({ code: error === null ? 0 : error.code, output: stdout + stderr }),
        );
      });
      expect(code, output).to.equal(0);
      const report = JSON.parse(await readFile(file, 'utf8')) as RunReport;
      expect(report.verdict).to.equal('clean');
      expect(report.faults, output).to.be.at.least(4);
      expect(report.orders.acknowledged, output).to.be.at.least(50);
      expect(report.journal.orders).to.be.at.least(report.orders.acknowledged);
      expect(await readdir(folder), 'nothing but the report').to.deep.equal(['report.json']);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
