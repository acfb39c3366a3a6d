/**
 * Owns the course of a run: sets everything up, lets load and faults go on together, heals, waits until all is settled,
 * stops, judges.
 */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cleanup } from '../bench/host/cleanup.ts';
import { freePorts } from '../config/free-ports.ts';
import { duration } from '../commands/support/text.ts';
import { removeDataDir } from '../config/runtime-dir.ts';
import { signDevToken } from '../config/dev-token.ts';
import { messageOf } from '../kernel/errors.ts';
import { countUnsettled, readOrderViews, scanJournal } from './check/database-reader.ts';
import { FinalReader } from './check/final-reads.ts';
import { judge } from './check/judge.ts';
import { runAudit } from './check/run-audit.ts';
import { Violations } from './check/violation.ts';
import { OwnDatabase } from './database/own-database.ts';
import { Injector } from './faults/injector.ts';
import { CUSTOMER_NAMES } from './load/catalogue.ts';
import { History } from './load/history.ts';
import { Load, type Tokens } from './load/load.ts';
import { NodeChooser } from './load/node-chooser.ts';
import { ChaosNode, type NodeWatcher } from './nodes/chaos-node.ts';
import type { ChaosOptions } from './options.ts';
import { makePlan } from './plan.ts';
import type { ProgressLine } from './progress-line.ts';
import { DatabaseProxy } from './proxy/database-proxy.ts';
import { seededRandom } from './random.ts';
import { countByKind, longestPauseMs, type RunReport } from './run-report.ts';
import { Timeline } from './timeline.ts';

/** After everything is healed: clients get their answers, orders settle. */
const ANSWER_TIMEOUT_MS = 60_000;
const SETTLE_TIMEOUT_MS = 120_000;
const SETTLE_POLL_MS = 500;
const TOKEN_TTL_SECONDS = 48 * 60 * 60;

export class ChaosRun {
  readonly #options: ChaosOptions;
  readonly #cleanup: Cleanup;
  readonly #progress: ProgressLine;
  readonly #jwtSecret = randomBytes(32).toString('base64url');
  readonly #history = new History();
  readonly #others = new Violations();
  #timeline = new Timeline();

  constructor(options: ChaosOptions, cleanup: Cleanup, progress: ProgressLine) {
    this.#options = options;
    this.#cleanup = cleanup;
    this.#progress = progress;
  }

  /** @throws what kept the run from being made at all; what went wrong in it is in the report. */
  async run(): Promise<RunReport> {
    const startedAt = new Date().toISOString();
    const { seed, rate } = this.#options;
    const tokens = await this.#signTokens();
    this.#progress.begin(() => 'starting PostgreSQL ...');
    const database = await OwnDatabase.start(this.#cleanup);
    const nodes = await this.#startNodes(database);
    const ports = nodes.map(({ place }) => place.port);
    const chooser = new NodeChooser(ports, seededRandom(seed, 'nodes'));
    this.#timeline = new Timeline();
    const load = new Load(this.#history, chooser, tokens, seededRandom(seed, 'load'), this.#timeline);
    await load.open();

    const durationMs = await this.#disturb(load, rate, nodes, database);
    await this.#heal(load, nodes, database);
    const finalReader = new FinalReader(ports, tokens);
    let reads = 0;
    this.#progress.begin(() => `reading all orders over HTTP: ${reads}`);
    const finalReads = await finalReader.readOrders(this.#history.orders, (read) => (reads = read));
    const stock = await finalReader.readStock();
    finalReader.close();
    await this.#stop(nodes);

    this.#progress.begin(() => 'reading the journal ...');
    const journal = await scanJournal(database.url);
    const views = await readOrderViews(database.url);
    this.#progress.begin(() => 'auditing ...');
    for (const violation of await runAudit(database.url, nodes[0]!.place.dataDir)) this.#others.list.push(violation);
    this.#progress.end();
    const timeline = this.#timeline.entries;
    const history = this.#history;
    const others = this.#others.list;
    const violations = judge({ history, timeline, durationMs, journal, views, finalReads, stock, others });
    const acknowledged = history.acknowledgedAtMs;
    return {
      verdict: violations.length === 0 ? 'clean' : 'violated',
      startedAt,
      options: this.#options,
      durationMs,
      timeline,
      faultsByKind: countByKind(timeline),
      faults: this.#timeline.faults.length,
      orders: {
        begun: history.orders.length,
        acknowledged: acknowledged.length,
        shed: history.shed,
        perSecond: acknowledged.filter((atMs) => atMs < durationMs).length / (durationMs / 1000),
        longestPauseMs: longestPauseMs(acknowledged, durationMs),
      },
      requests: history.requests,
      statuses: Object.fromEntries([...history.statuses].sort()),
      journal: { rows: journal.rows, epochs: journal.epochs, orders: journal.orders.size },
      nodeLog: mergedCounts(nodes),
      violations,
    };
  }

  async #startNodes(database: OwnDatabase): Promise<ChaosNode[]> {
    const watcher = this.#watcher();
    const nodes: ChaosNode[] = [];
    for (let index = 0; index < this.#options.nodes; index++) {
      this.#progress.begin(() => `starting node ${index + 1} ...`);
      const proxy = await DatabaseProxy.open({ path: database.socketPath });
      this.#cleanup.add(() => proxy.close());
      const dataDir = path.join(tmpdir(), `holdfast-chaos-${randomBytes(6).toString('hex')}`);
      this.#cleanup.add(() => removeDataDir(dataDir));
      await mkdir(dataDir, { mode: 0o700 });
      const [port, adminPort] = await freePorts(2);
      const node = new ChaosNode(
        index,
        {
          databaseUrl: database.urlThrough(proxy.port),
          dataDir,
          port: port!,
          adminPort: adminPort!,
          workers: this.#options.workers,
          jwtSecret: this.#jwtSecret,
        },
        proxy,
        watcher,
      );
      this.#cleanup.add(() => node.destroy());
      nodes.push(node);
      await node.start();
    }
    return nodes;
  }

  #watcher(): NodeWatcher {
    const downSince = new Map<ChaosNode, (target: string) => void>();
    return {
      gaveUp: (node, reason) => {
        if (this.#cleanup.hasBegun || downSince.has(node)) return;
        const target = `${node.name}: ${reason}`;
        downSince.set(node, this.#timeline.begin('node ended', target, this.#options.nodes === 1, false));
      },
      cameBack: (node) => {
        downSince.get(node)?.(`${node.name}: started again by the kit`);
        downSince.delete(node);
      },
    };
  }

  async #disturb(load: Load, rate: number, nodes: readonly ChaosNode[], database: OwnDatabase): Promise<number> {
    const plannedMs = this.#options.minutes * 60_000;
    const plan = makePlan({ seed: this.#options.seed, durationMs: plannedMs, nodes: nodes.length });
    const injector = new Injector({ nodes, database }, this.#timeline);
    this.#progress.begin(() => this.#progressText());
    void load.run(rate);
    await injector.play(plan, plannedMs);
    this.#others.list.push(...injector.unhealed);
    return Math.round(this.#timeline.nowMs());
  }

  async #heal(load: Load, nodes: readonly ChaosNode[], database: OwnDatabase): Promise<void> {
    this.#progress.begin(() => `healed; waiting for the nodes and for answers. ${this.#progressText()}`);
    for (const node of nodes) {
      await node.ready().catch((error: unknown) => {
        this.#others.add('node_not_ready', node.name, 'ready after everything was healed', messageOf(error));
      });
    }
    await load.finish(ANSWER_TIMEOUT_MS);
    const deadlineMs = performance.now() + SETTLE_TIMEOUT_MS;
    let unsettled = await countUnsettled(database.url);
    this.#progress.begin(() => `waiting for ${unsettled} orders to settle ...`);
    while (unsettled > 0 && performance.now() < deadlineMs) {
      await sleep(SETTLE_POLL_MS);
      unsettled = await countUnsettled(database.url);
    }
    if (unsettled === 0) return;
    const expected = `all within ${SETTLE_TIMEOUT_MS / 1000} s`;
    this.#others.add('not_settled_in_time', 'orders and wake-ups', expected, `${unsettled} outstanding`);
  }

  async #stop(nodes: readonly ChaosNode[]): Promise<void> {
    this.#progress.begin(() => 'stopping the nodes ...');
    for (const node of nodes) {
      const code = await node.stop();
      if (code === 0) continue;
      const found = `${code ?? 'it had to be killed'}: ${node.log.lastOutput}`;
      this.#others.add('node_did_not_stop', node.name, 'exit code 0 after SIGTERM', found);
    }
  }

  #progressText(): string {
    const { requests, acknowledgedAtMs } = this.#history;
    const { faults, current } = this.#timeline;
    const now = current.map(({ kind }) => kind).join(', ');
    return (
      `${duration(this.#timeline.nowMs())}  ${acknowledgedAtMs.length} orders  ${requests.ok} ok, ` +
      `${requests.failed} failed, ${requests.unknown} unknown  ${faults.length} faults  ${now}`
    );
  }

  async #signTokens(): Promise<Tokens> {
    const sign = (sub: string, role: 'customer' | 'admin'): Promise<string> =>
      signDevToken({ secret: this.#jwtSecret, sub, role, ttlSeconds: TOKEN_TTL_SECONDS });
    const customers = new Map<string, string>();
    for (const name of CUSTOMER_NAMES) customers.set(name, await sign(name, 'customer'));
    return { customers, admin: await sign('chaos-admin', 'admin') };
  }
}

function mergedCounts(nodes: readonly ChaosNode[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { log } of nodes) {
    for (const [message, number] of log.counts) counts[message] = (counts[message] ?? 0) + number;
  }
  return Object.fromEntries(Object.entries(counts).sort((a, b) => b[1] - a[1]));
}
