/**
 * One node of a run, started as its users start it: starts it, kills and freezes its processes, starts it again when it
 * gave up. Worker processes are found in the process table, not asked for.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { childrenOf, readProcessTable } from '../../bench/host/process-table.ts';
import { programFile } from '../../bench/host/program-file.ts';
import { inheritedEnvironment } from '../../bench/targets/environment.ts';
import { holdfast } from '../../bench/targets/holdfast.ts';
import type { TargetPlace } from '../../bench/targets/target.ts';
import type { BrokerProxy } from '../proxy/broker-proxy.ts';
import type { DatabaseProxy } from '../proxy/database-proxy.ts';
import { LogTally } from './log-tally.ts';
import { processesWithDataDir, signal } from './own-processes.ts';

const READY_TIMEOUT_MS = 120_000;
const READY_POLL_MS = 100;
const PROBE_TIMEOUT_MS = 2_000;
const RESTART_PAUSE_MS = 1_000;
/** Longer than SHUTDOWN_TIMEOUT_MS. */
const STOP_TIMEOUT_MS = 45_000;

export interface NodeProxies {
  readonly database: DatabaseProxy;
  /** Absent: it has no broker. */
  readonly broker?: BrokerProxy | undefined;
}

export interface NodeWatcher {
  /** It ended by itself; it is started again. */
  gaveUp(node: ChaosNode, reason: string): void;
  /** It is ready again after that. */
  cameBack(node: ChaosNode): void;
}

export class ChaosNode {
  readonly index: number;
  readonly place: TargetPlace;
  readonly proxy: DatabaseProxy;
  readonly brokerProxy: BrokerProxy | undefined;
  readonly log = new LogTally();
  readonly #watcher: NodeWatcher;
  readonly #logFile: string | undefined;
  #child: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #isWanted = false;
  #isBusy = false;

  /** @param logFolder where its whole output is kept, as `node-1.log`; undefined: only its last lines are kept */
  constructor(
    index: number,
    place: TargetPlace,
    { database, broker }: NodeProxies,
    watcher: NodeWatcher,
    logFolder: string | undefined,
  ) {
    this.index = index;
    this.place = place;
    this.proxy = database;
    this.brokerProxy = broker;
    this.#watcher = watcher;
    this.#logFile = logFolder && path.join(logFolder, `node-${index + 1}.log`);
  }

  get name(): string {
    return `node ${this.index + 1}`;
  }

  get primaryPid(): number | undefined {
    return this.#hasExited() ? undefined : this.#child?.pid;
  }

  get workerPids(): readonly number[] {
    const table = readProcessTable();
    const { primaryPid } = this;
    if (table === undefined || primaryPid === undefined) return [];
    return childrenOf(table, primaryPid).map(({ pid }) => pid);
  }

  /** Starts it and waits until it is ready. @throws Error with its last output where it does not get there. */
  async start(): Promise<void> {
    this.#isWanted = true;
    this.#launch();
    await this.ready();
  }

  /** Resolves when it is ready, however often it is started on the way. @throws Error when it isn't in time. */
  async ready(): Promise<void> {
    const deadlineMs = performance.now() + READY_TIMEOUT_MS;
    while (!(await this.isReady())) {
      if (performance.now() > deadlineMs) {
        const limit = `was not ready within ${READY_TIMEOUT_MS / 1000} s`;
        throw new Error(`${this.name} ${limit}. Its last output:\n${this.log.lastOutput}`);
      }
      await sleep(READY_POLL_MS);
    }
  }

  async isReady(): Promise<boolean> {
    try {
      const answer = await fetch(`http://127.0.0.1:${this.place.adminPort}/health/ready`, {
        signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
      });
      await answer.arrayBuffer();
      return answer.status === 200;
    } catch {
      return false;
    }
  }

  /** Kills the primary, starts the node again after `pauseMs`. Undefined where that is under way already. */
  killPrimary(pauseMs: number): (() => Promise<void>) | undefined {
    const { primaryPid } = this;
    if (primaryPid === undefined || this.#isBusy) return undefined;
    this.#isBusy = true;
    signal(primaryPid, 'SIGKILL');
    return async () => {
      await this.#exited;
      await sleep(pauseMs);
      this.#isBusy = false;
      if (this.#isWanted) this.#launch();
      await this.ready();
    };
  }

  /** Drains it. @returns its exit code; null where it had to be killed. */
  async stop(): Promise<number | null> {
    this.#isWanted = false;
    const child = this.#child;
    if (child === undefined || this.#hasExited()) return child?.exitCode ?? null;
    child.kill('SIGTERM');
    const timer = setTimeout(() => this.destroy(), STOP_TIMEOUT_MS);
    await this.#exited;
    clearTimeout(timer);
    return child.exitCode;
  }

  /** Ends all of its processes, also orphans and frozen ones. */
  destroy(): void {
    this.#isWanted = false;
    this.#child?.kill('SIGKILL');
    for (const pid of processesWithDataDir(this.place.dataDir)) signal(pid, 'SIGKILL');
  }

  #launch(): void {
    const env = {
      ...inheritedEnvironment(),
      ...holdfast.environment(this.place),
      // Nodes of one machine have sockets between them; with a broker, each must need it, as on a machine of its own.
      ...(this.brokerProxy !== undefined && { MACHINE_NAME: `node-${this.index + 1}` }),
    };
    const args = [...process.execArgv, programFile(holdfast.program)];
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => this.#wrote(chunk));
    }
    this.#exited = new Promise((resolve) => {
      child.once('error', () => resolve());
      child.once('exit', () => resolve());
    });
    void this.#exited.then(() => this.#ended(child));
  }

  #wrote(chunk: string): void {
    this.log.append(chunk);
    if (this.#logFile !== undefined) appendFileSync(this.#logFile, chunk);
  }

  #ended(child: ChildProcess): void {
    if (!this.#isWanted || this.#isBusy || this.#child !== child) return;
    const how = child.signalCode ?? `exit code ${child.exitCode}`;
    this.#watcher.gaveUp(this, `${how}: ${this.log.lastOutput.split('\n').at(-1) ?? ''}`);
    setTimeout(() => {
      if (!this.#isWanted || this.#isBusy || this.#child !== child) return;
      this.#launch();
      void this.ready().then(
        () => this.#watcher.cameBack(this),
        () => undefined,
      );
    }, RESTART_PAUSE_MS);
  }

  #hasExited(): boolean {
    const child = this.#child;
    return child?.pid === undefined || child.exitCode !== null || child.signalCode !== null;
  }
}
