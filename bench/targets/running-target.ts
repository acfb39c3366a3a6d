/**
 * One service while it runs: its process, its last output, its stop. Both sides of a run are started and stopped by
 * this same code.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cleanup } from '../host/cleanup.ts';
import { programFile } from '../host/program-file.ts';
import { inheritedEnvironment } from './environment.ts';
import { OutputTail } from './output-tail.ts';
import type { Target, TargetPlace, Verdict } from './target.ts';

const READY_TIMEOUT_MS = 60_000;
const READY_POLL_MS = 100;
/** A node drains for up to SHUTDOWN_TIMEOUT_MS, 30 s, before it gives up by itself. */
const STOP_TIMEOUT_MS = 40_000;

export class RunningTarget {
  readonly target: Target;
  readonly place: TargetPlace;
  readonly #child: ChildProcess;
  readonly #output: OutputTail;
  readonly #exited: Promise<void>;

  private constructor(target: Target, place: TargetPlace, child: ChildProcess) {
    this.target = target;
    this.place = place;
    this.#child = child;
    this.#output = new OutputTail();
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (chunk: string) => this.#output.append(chunk));
    }
    this.#exited = new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', (error) => {
        this.#output.append(`${error.message}\n`);
        resolve();
      });
    });
  }

  /** Starts `target` and waits until it is ready. @throws with its last output where it does not become ready */
  static async start(target: Target, place: TargetPlace, cleanup: Cleanup): Promise<RunningTarget> {
    cleanup.add(() => running.stop());
    const env = { ...inheritedEnvironment(), ...target.environment(place) };
    const profiling = place.profileDir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${place.profileDir}`];
    const args = [...process.execArgv, ...profiling, programFile(target.program)];
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const running = new RunningTarget(target, place, child);
    await running.#waitUntilReady();
    return running;
  }

  get primaryPid(): number {
    return this.#child.pid!;
  }

  /** Its last lines of output, to explain a failure. */
  get lastOutput(): string {
    return this.#output.toString();
  }

  /** Resolves when it is gone; drains first, if it can. */
  async stop(): Promise<void> {
    if (this.#hasExited()) return;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  /** To call after {@link stop}. */
  async verify(ordersAnswered: number): Promise<Verdict> {
    return await this.target.verify(this.place.databaseUrl, ordersAnswered);
  }

  /** Sends one request of preparation. @throws unless it is answered with 200 */
  async request(method: string, path: string, token: string, body: unknown): Promise<void> {
    const response = await fetch(`http://127.0.0.1:${this.place.port}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (response.status !== 200) {
      throw new Error(`${this.target.name} answered ${response.status} to ${method} ${path}: ${text.slice(0, 300)}`);
    }
  }

  async #waitUntilReady(): Promise<void> {
    const deadlineMs = performance.now() + READY_TIMEOUT_MS;
    while (!(await this.#isReady())) {
      if (this.#hasExited()) throw this.#startError('ended before it was ready');
      if (performance.now() > deadlineMs) throw this.#startError(`was not ready within ${READY_TIMEOUT_MS / 1000} s`);
      await sleep(READY_POLL_MS);
    }
  }

  async #isReady(): Promise<boolean> {
    try {
      const answer = await fetch(`http://127.0.0.1:${this.place.port}/health/ready`, {
        signal: AbortSignal.timeout(1000),
      });
      await answer.arrayBuffer();
      return answer.status === 200;
    } catch {
      return false;
    }
  }

  #hasExited(): boolean {
    return this.#child.pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  #startError(what: string): Error {
    return new Error(`${this.target.name} ${what}. Its last output:\n${this.lastOutput}`);
  }
}
