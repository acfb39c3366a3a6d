/**
 * Owns the quick measure: both services side by side on one PostgreSQL, measured in turn, A B A B, so that whatever
 * slows the machine down meets both. The one that is not measured stays up and idle, warm for its next round.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { signDevToken } from '../config/dev-token.ts';
import type { DatabaseServer } from './database/database-server.ts';
import type { Cleanup } from './host/cleanup.ts';
import type { ProcessRoots } from './host/cpu-groups.ts';
import { freePorts } from '../config/free-ports.ts';
import { describeMachine } from './host/machine.ts';
import { waitUntilQuiet } from './host/quiet.ts';
import { LoadProcess } from './load/load-process.ts';
import type { JobEnd, LoadJob, OrderForm } from './load/messages.ts';
import { productIds } from './load/order-requests.ts';
import { measureRound, OrdersFailed, refuseErrors } from './measure-round.ts';
import type { BenchOptions } from './options.ts';
import type { Progress } from './progress.ts';
import type { RoundReport, RunReport, SideReport } from './report/run-report.ts';
import { compareRounds, median } from './statistics.ts';
import { holdfast } from './targets/holdfast.ts';
import { plainSql } from './targets/plain-sql.ts';
import { RunningTarget } from './targets/running-target.ts';
import type { Target, Verdict } from './targets/target.ts';

const UNIFORM: OrderForm = { products: 1000, linesPerOrder: 2 };
const HOT: OrderForm = { products: 1, linesPerOrder: 1 };
const WARM_UP_MS = 3000;
/** More than any run can sell. */
const ON_HAND = 1_000_000_000;
const CUSTOMERS = 100;
/** Longer than the longest run. */
const TOKEN_TTL_SECONDS = 24 * 60 * 60;

interface Side {
  readonly running: RunningTarget;
  readonly rounds: RoundReport[];
  ordersAnswered: number;
}

export class QuickRun {
  readonly #options: BenchOptions;
  readonly #server: DatabaseServer;
  readonly #cleanup: Cleanup;
  readonly #progress: Progress;
  readonly #form: OrderForm;
  readonly #jwtSecret = randomBytes(32).toString('base64url');
  #tokens: readonly string[] = [];
  #jobs = 0;

  constructor(options: BenchOptions, server: DatabaseServer, cleanup: Cleanup, progress: Progress) {
    this.#options = options;
    this.#server = server;
    this.#cleanup = cleanup;
    this.#progress = progress;
    this.#form = options.hot ? HOT : UNIFORM;
  }

  /** @throws OrdersFailed, or what kept a side from starting */
  async run(): Promise<RunReport> {
    const startedAt = new Date().toISOString();
    this.#tokens = await this.#signCustomers();
    const sides = [await this.#start(holdfast), await this.#start(plainSql)] as const;
    const load = LoadProcess.start(this.#cleanup);
    for (const side of sides) await this.#prepare(side, load);
    for (let round = 1; round <= this.#options.rounds; round++) {
      for (const side of sides) await this.#measure(side, sides, load, round);
    }
    const reports = [await this.#finish(sides[0]), await this.#finish(sides[1])] as const;
    const [first, second] = reports.map((side) => side.rounds.map((round) => round.ordersPerSecond));
    return {
      startedAt,
      options: this.#options,
      ...this.#form,
      warmUpSeconds: WARM_UP_MS / 1000,
      machine: describeMachine(),
      database: this.#server.facts,
      sides: reports,
      comparison: compareRounds(first!, second!),
    };
  }

  async #start(target: Target): Promise<Side> {
    this.#progress.begin(`starting ${target.name} ...`);
    const databaseUrl = await this.#server.createDatabase(target.id);
    const dataDir = path.join(tmpdir(), `holdfast-bench-${randomBytes(6).toString('hex')}`);
    this.#cleanup.add(() => rm(dataDir, { recursive: true, force: true }));
    await mkdir(dataDir, { mode: 0o700 });
    const [port, adminPort] = await freePorts(2);
    const { workers } = this.#options;
    const place = { databaseUrl, dataDir, port: port!, adminPort: adminPort!, workers, jwtSecret: this.#jwtSecret };
    return { running: await RunningTarget.start(target, place, this.#cleanup), rounds: [], ordersAnswered: 0 };
  }

  /** Puts products in stock, and for the hot form leaves as many holds open as asked for. */
  async #prepare(side: Side, load: LoadProcess): Promise<void> {
    const { name } = side.running.target;
    this.#progress.begin(`putting ${this.#form.products} products in stock of ${name} ...`);
    const items = productIds(this.#form).map((productId) => ({ productId, onHand: ON_HAND }));
    await side.running.request('POST', '/api/v1/stock/batch', await this.#sign('bench-admin', 'admin'), { items });
    const { openHolds } = this.#options;
    if (openHolds === 0) return;
    this.#progress.begin(`opening ${openHolds} holds at ${name} ...`);
    await this.#explaining(side, `while opening ${openHolds} holds`, async () => {
      const result = await load.run(this.#job(side, { kind: 'after-orders', orders: openHolds }), {
        progress: (orders) => this.#progress.update(`${orders} open`),
      });
      refuseErrors(result);
      side.ordersAnswered += result.orders;
    });
  }

  async #measure(side: Side, sides: readonly Side[], load: LoadProcess, round: number): Promise<void> {
    const { seconds, rounds } = this.#options;
    const { name } = side.running.target;
    const { postmasterPid } = this.#server;
    await this.#server.checkpoint();
    const pids = sides.map(({ running }) => running.primaryPid);
    await waitUntilQuiet(postmasterPid === undefined ? pids : [...pids, postmasterPid]);
    this.#progress.begin(
      `round ${round} of ${rounds}: ${name}, ${WARM_UP_MS / 1000} s of warm-up and ${seconds} s ...`,
    );
    const roots: ProcessRoots = {
      measured: side.running.primaryPid,
      idle: pids.filter((pid) => pid !== side.running.primaryPid),
      ...(postmasterPid === undefined ? {} : { postmaster: postmasterPid }),
    };
    const job = this.#job(side, { kind: 'after-time', warmUpMs: WARM_UP_MS, measureMs: seconds * 1000 });
    await this.#explaining(side, `in round ${round}`, async () => {
      const measured = await measureRound(load, job, roots, (orders) => this.#progress.update(`${orders} orders`));
      side.rounds.push(measured.report);
      side.ordersAnswered += measured.ordersAnswered;
    });
  }

  async #finish(side: Side): Promise<SideReport> {
    const { name, id } = side.running.target;
    this.#progress.begin(`stopping and checking ${name} ...`);
    await side.running.stop();
    const verdict: Verdict = await side.running.verify(side.ordersAnswered);
    const ordersPerSecond = median(side.rounds.map((round) => round.ordersPerSecond));
    return { name, id, rounds: side.rounds, ordersPerSecond, ordersAnswered: side.ordersAnswered, verdict };
  }

  #job(side: Side, end: JobEnd): LoadJob {
    this.#jobs++;
    return {
      port: side.running.place.port,
      concurrency: this.#options.concurrency,
      tokens: this.#tokens,
      form: this.#form,
      keyPrefix: `bench-${this.#jobs}-`,
      end,
    };
  }

  /** Says which side failed and what it wrote last, where orders failed. */
  async #explaining(side: Side, when: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof OrdersFailed)) throw error;
      const { target, lastOutput } = side.running;
      throw new OrdersFailed(`${target.name}, ${when}: ${error.message}\nIts last output:\n${lastOutput}`, {
        cause: error,
      });
    }
  }

  async #signCustomers(): Promise<string[]> {
    const names = Array.from({ length: CUSTOMERS }, (_, index) => `bench-customer-${index}`);
    return await Promise.all(names.map((name) => this.#sign(name, 'customer')));
  }

  async #sign(sub: string, role: 'customer' | 'admin'): Promise<string> {
    return await signDevToken({ secret: this.#jwtSecret, sub, role, ttlSeconds: TOKEN_TTL_SECONDS });
  }
}
