/**
 * The course of a run: sets everything up, runs load and faults together, heals, waits until all is settled, stops,
 * judges.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cleanup } from '../bench/host/cleanup.ts';
import { duration } from '../commands/support/text.ts';
import { signDevToken } from '../config/dev-token.ts';
import { messageOf } from '../kernel/errors.ts';
import { Cast } from './cast.ts';
import { measureIsolations } from './check/check-reach.ts';
import { countUnsettled, readOrderViews, scanJournal } from './check/database-reader.ts';
import { FinalReader } from './check/final-reads.ts';
import { HeardEvents } from './check/heard-events.ts';
import { judge } from './check/judge.ts';
import { runAudit } from './check/run-audit.ts';
import { Violations } from './check/violation.ts';
import type { OwnDatabase } from './database/own-database.ts';
import type { Stage } from './faults/fault.ts';
import { Injector } from './faults/injector.ts';
import { CUSTOMER_NAMES } from './load/catalogue.ts';
import { History } from './load/history.ts';
import { Load, type Tokens } from './load/load.ts';
import { NodeChooser } from './load/node-chooser.ts';
import { ReachProber } from './load/reach-prober.ts';
import type { ChaosNode, NodeWatcher } from './nodes/chaos-node.ts';
import type { ChaosOptions } from './options.ts';
import { makePlan } from './plan.ts';
import type { ProgressLine } from './progress-line.ts';
import { seededRandom } from './random.ts';
import { countByKind, longestPauseMs, type RunReport } from './run-report.ts';
import { Timeline } from './timeline.ts';

/** After everything is healed: clients get their answers, orders settle. */
const ANSWER_TIMEOUT_MS = 60_000;
const SETTLE_TIMEOUT_MS = 120_000;
const SETTLE_POLL_MS = 500;
/** So long without a new event while some are missing: they will not come. */
const EVENTS_IDLE_MS_MAX = 30_000;
const TOKEN_TTL_SECONDS = 48 * 60 * 60;

export class ChaosRun {
  readonly #options: ChaosOptions;
  readonly #cleanup: Cleanup;
  readonly #progress: ProgressLine;
  readonly #jwtSecret = randomBytes(32).toString('base64url');
  readonly #history = new History();
  readonly #others = new Violations();
  readonly #heard = new HeardEvents();
  #timeline = new Timeline();

  constructor(options: ChaosOptions, cleanup: Cleanup, progress: ProgressLine) {
    this.#options = options;
    this.#cleanup = cleanup;
    this.#progress = progress;
  }

  /** @throws what kept the run from starting; failures within it are in the report. */
  async run(): Promise<RunReport> {
    const startedAt = new Date().toISOString();
    const { seed, rate } = this.#options;
    const tokens = await this.#signTokens();
    const cast = new Cast(this.#options, this.#cleanup, this.#progress, this.#watcher());
    const { database, broker, nodes, consumer, messages } = await cast.start(this.#jwtSecret, this.#heard);
    const ports = nodes.map(({ place }) => place.port);
    this.#timeline = new Timeline();
    const timeline = this.#timeline;
    const load = new Load({
      history: this.#history,
      nodes: new NodeChooser(ports, seededRandom(seed, 'nodes')),
      tokens,
      random: seededRandom(seed, 'load'),
      timeline,
      messages,
    });
    await load.open();

    const prober = new ReachProber(nodes, tokens.admin, timeline);
    if (broker) void prober.run();
    const durationMs = await this.#disturb(load, rate, { nodes, database, broker, consumer });
    await this.#heal(load, nodes, database);
    prober.stop();
    if (broker) await this.#hearAll(database);
    const finalReader = new FinalReader(ports, tokens);
    let reads = 0;
    this.#progress.begin(() => `reading all orders over HTTP: ${reads}`);
    const finalReads = await finalReader.readOrders(this.#history.orders, (read) => (reads = read));
    const stock = await finalReader.readStock();
    finalReader.close();
    await this.#stop(nodes);
    consumer?.close();

    this.#progress.begin(() => 'reading the journal ...');
    const journal = await scanJournal(database.url);
    const views = await readOrderViews(database.url);
    this.#progress.begin(() => 'auditing ...');
    for (const violation of await runAudit(database.url, nodes[0]!.place.dataDir)) this.#others.list.push(violation);
    this.#progress.end();
    const history = this.#history;
    const isolations = broker && measureIsolations(timeline.entries, prober.probes);
    const heard = broker && this.#heard;
    const violations = judge({
      history,
      timeline: timeline.entries,
      durationMs,
      journal,
      views,
      finalReads,
      stock,
      heard,
      isolations,
      others: this.#others.list,
    });
    const acknowledged = history.acknowledgedAtMs;
    return {
      verdict: violations.length === 0 ? 'clean' : 'violated',
      startedAt,
      options: this.#options,
      durationMs,
      timeline: timeline.entries,
      faultsByKind: countByKind(timeline.entries),
      faults: timeline.faults.length,
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
      ...(heard && {
        events: { published: journal.publishedCount, heard: heard.distinct, messages: heard.messages },
      }),
      ...(isolations && { isolations }),
      nodeLog: mergedCounts(nodes),
      violations,
    };
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

  async #disturb(load: Load, rate: number, stage: Stage): Promise<number> {
    const { seed, minutes, nodes, broker } = this.#options;
    const plannedMs = minutes * 60_000;
    const plan = makePlan({ seed, durationMs: plannedMs, nodes, broker });
    const injector = new Injector(stage, this.#timeline);
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

  /** Waits until the consumer has heard all public events of the journal, or no more come. */
  async #hearAll(database: OwnDatabase): Promise<void> {
    const { publishedCount } = await scanJournal(database.url);
    const heard = this.#heard;
    this.#progress.begin(() => `hearing the events: ${heard.distinct} of ${publishedCount} ...`);
    let before = -1;
    let changedMs = performance.now();
    while (heard.distinct < publishedCount && performance.now() - changedMs < EVENTS_IDLE_MS_MAX) {
      if (heard.distinct !== before) changedMs = performance.now();
      before = heard.distinct;
      await sleep(SETTLE_POLL_MS);
    }
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
