/**
 * Runs a scenario: Holdfast and its peers side by side on one PostgreSQL, loaded in turn, A B A B, so that a slow
 * machine affects all. A side that is not measured stays up and idle, warm for its next round. At the end each proves
 * that its answers were true, and what can't be proved has no figure.
 */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { signDevToken } from '../config/dev-token.ts';
import { freePorts } from '../config/free-ports.ts';
import { removeDataDir } from '../config/runtime-dir.ts';
import { openEvents, type LocalBroker } from './broker/events-queue.ts';
import type { DatabaseServer } from './database/database-server.ts';
import type { Cleanup } from './host/cleanup.ts';
import { describeMachine } from './host/machine.ts';
import { waitUntilQuiet } from './host/quiet.ts';
import { LoadProcess } from './load/load-process.ts';
import type { LoadJob, Mix } from './load/messages.ts';
import { productIds } from './load/order-body.ts';
import type { Progress } from './progress.ts';
import { allMeasured } from './report/measured-phases.ts';
import type { RoundResult, ScenarioReport, SideResult } from './report/scenario-report.ts';
import { measureRound } from './round.ts';
import { whyInvalid } from './run-validity.ts';
import type { Scenario } from './scenarios/scenario.ts';
import { compareRounds, median, sum } from './statistics.ts';
import { TARGETS } from './targets/all.ts';
import { RunningTarget } from './targets/running-target.ts';
import type { Target } from './targets/target.ts';

const PLACED_AND_AWAITED: Mix = { 'place until confirmed': 1 };
/** More than any run can sell. */
const ON_HAND = 1_000_000_000;
const STOCK_BATCH_MAX = 5_000;
const CUSTOMERS = 100;
/** Longer than the longest run. */
const TOKEN_TTL_SECONDS = 24 * 60 * 60;
const HOLDS_IN_FLIGHT = 64;

export interface RunSettings {
  readonly name: string;
  readonly scenario: Scenario;
  readonly workers: number;
  /** Set: Holdfast publishes its events there meanwhile. */
  readonly amqpUrl?: string;
  /** Set: where Holdfast's processes write CPU profiles. */
  readonly profileDir?: string;
}

interface Side {
  running: RunningTarget;
  readonly rounds: RoundResult[];
  /** Warm-up and open holds included. */
  ordersAnswered: number;
}

export class ScenarioRun {
  readonly #settings: RunSettings;
  readonly #server: DatabaseServer;
  readonly #cleanup: Cleanup;
  readonly #progress: Progress;
  readonly #jwtSecret = randomBytes(32).toString('base64url');
  #tokens: readonly string[] = [];
  #adminToken = '';
  #jobs = 0;
  #broker: LocalBroker | undefined;

  constructor(settings: RunSettings, server: DatabaseServer, cleanup: Cleanup, progress: Progress) {
    this.#settings = settings;
    this.#server = server;
    this.#cleanup = cleanup;
    this.#progress = progress;
  }

  /** @throws what kept a side from starting, or the load from running */
  async run(): Promise<ScenarioReport> {
    const { name, scenario, workers, amqpUrl } = this.#settings;
    const startedAt = new Date().toISOString();
    const customers = Array.from({ length: CUSTOMERS }, (_, index) => `bench-customer-${index}`);
    this.#tokens = await Promise.all(customers.map((customer) => this.#sign(customer, 'customer')));
    this.#adminToken = await this.#sign('bench-admin', 'admin');
    const names = ['holdfast', ...(scenario.peers ?? [])] as const;
    if (amqpUrl !== undefined) {
      this.#progress.begin('connecting to RabbitMQ ...');
      this.#broker = await openEvents(amqpUrl, scenario.relay, this.#cleanup);
    }
    const sides: Side[] = [];
    for (const each of names) sides.push(await this.#start(TARGETS[each]));
    const load = LoadProcess.start(this.#cleanup);
    for (const side of sides) await this.#prepare(side, load);
    const rounds = scenario.rounds ?? 1;
    for (let round = 1; round <= rounds; round++) {
      for (const side of sides)
        await this.#measure(side, sides, load, rounds === 1 ? '' : `round ${round} of ${rounds}: `);
    }
    const results: SideResult[] = [];
    for (const side of sides) results.push(await this.#finish(side));
    const rates = (side: SideResult): number[] => side.rounds.map((round) => allMeasured(round).ordersPerSecond);
    const invalid = results.flatMap((side) => whyInvalid(side, scenario));
    return {
      scenario: name,
      about: scenario.about,
      startedAt,
      settings: {
        products: scenario.form.products,
        'lines an order': scenario.form.linesPerOrder,
        'open holds': scenario.openHolds ?? 0,
        mix: Object.entries(scenario.mix ?? PLACED_AND_AWAITED)
          .map(([operation, weight]) => `${operation} ${weight}`)
          .join(', '),
        rounds,
        'workers a side': workers,
        'events go to': scenario.relay ?? 'the journal alone',
        ...(this.#broker && { 'scheduler threads of the broker': this.#broker.schedulers }),
        tokens: 'JWT on every request, Idempotency-Key on every order',
      },
      machine: describeMachine(),
      database: this.#server.facts,
      sides: results,
      comparisons:
        invalid.length > 0
          ? []
          : results
              .slice(1)
              .map((peer) => ({ peer: peer.name, ratio: compareRounds(rates(results[0]!), rates(peer)) })),
      invalid,
    };
  }

  async #start(target: Target): Promise<Side> {
    this.#progress.begin(`starting ${target.name} ...`);
    const databaseUrl = await this.#server.createDatabase(target.id);
    const dataDir = path.join(tmpdir(), `holdfast-bench-${randomBytes(6).toString('hex')}`);
    this.#cleanup.add(() => removeDataDir(dataDir));
    await mkdir(dataDir, { mode: 0o700 });
    const [port, adminPort] = await freePorts(2);
    const { workers, amqpUrl, profileDir, scenario } = this.#settings;
    const place = {
      ...{ databaseUrl, dataDir, port: port!, adminPort: adminPort!, workers, jwtSecret: this.#jwtSecret },
      ...(scenario.probes !== undefined && { shards: scenario.probes.shards }),
      ...(amqpUrl !== undefined && { amqpUrl }),
      ...(profileDir !== undefined && target === TARGETS.holdfast && { profileDir }),
    };
    return { running: await RunningTarget.start(target, place, this.#cleanup), rounds: [], ordersAnswered: 0 };
  }

  /** Puts products in stock, and opens the requested number of holds. */
  async #prepare(side: Side, load: LoadProcess): Promise<void> {
    const { form, openHolds = 0 } = this.#settings.scenario;
    const { name, keepsHolds } = side.running.target;
    this.#progress.begin(`putting ${form.products} products in stock of ${name} ...`);
    const items = productIds(form).map((productId) => ({ productId, onHand: ON_HAND }));
    for (let first = 0; first < items.length; first += STOCK_BATCH_MAX) {
      const batch = items.slice(first, first + STOCK_BATCH_MAX);
      await side.running.request('POST', '/api/v1/stock/batch', this.#adminToken, { items: batch });
    }
    if (openHolds === 0 || keepsHolds !== true) return;
    this.#progress.begin(`opening ${openHolds} holds at ${name} ...`);
    const opening = {
      length: { answers: openHolds },
      arrivals: { kind: 'closed', inFlight: HOLDS_IN_FLIGHT },
    } as const;
    const [opened] = await load.run({ ...this.#job(side), mix: { 'place manually': 1 }, phases: [opening] });
    const errors = opened!.operations.flatMap((operation) => operation.errors);
    if (errors.length > 0) throw new Error(`${name}, while opening holds: ${errors[0]!.message}`);
  }

  async #measure(side: Side, sides: readonly Side[], load: LoadProcess, round: string): Promise<void> {
    const { scenario } = this.#settings;
    const { name } = side.running.target;
    const { postmasterPid } = this.#server;
    await this.#server.checkpoint();
    const brokerPid = this.#broker?.pid;
    const pids = [...sides.map(({ running }) => running.primaryPid), postmasterPid, brokerPid];
    await waitUntilQuiet(pids.filter((pid) => pid !== undefined));
    this.#progress.begin(`${round}${name} ...`);
    const measured = await measureRound({
      load,
      job: this.#job(side),
      scenario,
      running: side.running,
      ...(postmasterPid !== undefined && { postmasterPid }),
      ...(brokerPid !== undefined && { brokerPid }),
      restart: async () => {
        const { target, place } = side.running;
        side.running = await RunningTarget.start(target, place, this.#cleanup);
        return side.running;
      },
      onProgress: (text) => this.#progress.update(text),
    });
    side.rounds.push(measured);
    side.ordersAnswered += sum(measured.phases.map(({ orders }) => orders));
  }

  async #finish(side: Side): Promise<SideResult> {
    const { name, id } = side.running.target;
    this.#progress.begin(`stopping and checking ${name} ...`);
    await side.running.stop();
    const verdict = await side.running.verify(side.ordersAnswered);
    const isVerified = verdict.kind === 'clean';
    return {
      ...{ name, id, rounds: side.rounds, verdict },
      ...(isVerified && {
        verifiedOrdersPerSecond: median(side.rounds.map((round) => allMeasured(round).ordersPerSecond)),
      }),
    };
  }

  #job(side: Side): LoadJob {
    const { form, mix = PLACED_AND_AWAITED, phases } = this.#settings.scenario;
    this.#jobs++;
    return {
      port: side.running.place.port,
      tokens: this.#tokens,
      adminToken: this.#adminToken,
      form,
      mix,
      keyPrefix: `bench-${this.#jobs}-`,
      phases: phases.map(({ length, arrivals }) => ({ length, arrivals })),
    };
  }

  async #sign(sub: string, role: 'customer' | 'admin'): Promise<string> {
    return await signDevToken({ secret: this.#jwtSecret, sub, role, ttlSeconds: TOKEN_TTL_SECONDS });
  }
}
