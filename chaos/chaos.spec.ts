/** A short run of the real program: every part of the kit at work, on a node that keeps its promises. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { messageOf } from '../kernel/errors.ts';
import { skipWithReason } from '../test/support/skip-with-reason.ts';
import { findBrokerProgram } from './broker/broker-program.ts';
import { makePlan } from './plan.ts';
import type { RunReport } from './run-report.ts';

/** Its plan kills the broker and drops its confirms: see the test. */
const BROKER_SEED = 62;
const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

describe('the fault kit', () => {
  let folder: string;

  before(function () {
    if (process.platform !== 'linux') skipWithReason(this, 'the fault kit reads /proc, which only Linux has');
  });
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'holdfast-test-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** @returns what it reports, once it has ended well and left nothing behind. */
  async function runOf(...args: readonly string[]): Promise<RunReport> {
    const file = path.join(folder, 'report.json');
    const program = path.join(ROOT, 'dist', 'chaos', 'main.js');
    const { code, output } = await new Promise<{ code: unknown; output: string }>((resolve) => {
      execFile(
        process.execPath,
        [program, ...args, '--json', file],
        { env: { ...process.env, TMPDIR: folder } },
        (error, stdout, stderr) => resolve({ code: error === null ? 0 : error.code, output: stdout + stderr }),
      );
    });
    expect(code, output).to.equal(0);
    expect(await readdir(folder), 'nothing but the report').to.deep.equal(['report.json']);
    return JSON.parse(await readFile(file, 'utf8')) as RunReport;
  }

  it('finds nothing wrong with a node in a short run, and leaves nothing behind', async () => {
    const args = ['--seed', '681', '--minutes', '0.35', '--nodes', '1', '--rate', '40', '--no-broker'];
    const report = await runOf(...args);
    expect(report.verdict).to.equal('clean');
    expect(report.faults).to.be.at.least(4);
    expect(report.orders.acknowledged).to.be.at.least(50);
    expect(report.journal.orders).to.be.at.least(report.orders.acknowledged);
  });

  it('finds nothing wrong with two nodes whose broker dies and loses its confirms', async function () {
    this.timeout(240_000);
    const missing = missingBroker();
    if (missing !== undefined) {
      if (process.env['CI'] === 'true') throw new Error(`${missing} In CI there must be one.`);
      skipWithReason(this, missing);
    }
    const [seed, minutes] = [BROKER_SEED, 0.35];
    const plan = makePlan({ seed, durationMs: minutes * 60_000, nodes: 2, broker: true });
    expect(plan.map(({ kind }) => kind)).to.include.members(['broker-kill', 'broker-acks-dropped']);
    const report = await runOf('--seed', `${seed}`, '--minutes', `${minutes}`, '--workers', '1', '--rate', '20');
    expect(report.verdict).to.equal('clean');
    expect(report.events!.published).to.be.at.least(100);
    expect(report.events!.heard).to.equal(report.events!.published);
  });
});

/** Why there is no broker to be killed. */
function missingBroker(): string | undefined {
  try {
    findBrokerProgram(process.env['PATH'] ?? '');
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
