/**
 * The RabbitMQ of a run: a server with a folder and ports of its own, so that it may be stopped, killed and frozen.
 * Confirmed messages are on its disk and survive a kill. The machine's own RabbitMQ shares nothing with it: neither
 * folder, cookie, port nor epmd.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cleanup } from '../../bench/host/cleanup.ts';
import { inheritedEnvironment } from '../../bench/targets/environment.ts';
import { OutputTail } from '../../bench/targets/output-tail.ts';
import { freePorts } from '../../config/free-ports.ts';
import type { ServerAddress } from '../proxy/proxied-connection.ts';
import { findBrokerProgram } from './broker-program.ts';

/** Five seconds on an idle machine, a minute on one that is busy with the run. */
const READY_TIMEOUT_MS = 180_000;
const READY_POLL_MS = 100;
const PROBE_TIMEOUT_MS = 1_000;
/** The time to close its queues and its clients' connections; then it is killed. */
const STOP_TIMEOUT_MS = 60_000;
const HOST = '127.0.0.1';
/** What a client begins with: AMQP 0-9-1. */
const PROTOCOL_HEADER = Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1]);

export const BROKER_USER = 'chaos';

interface Ports {
  readonly amqp: number;
  readonly distribution: number;
  readonly epmd: number;
}

export class OwnBroker {
  readonly #folder: string;
  readonly #server: string;
  readonly #ports: Ports;
  readonly #password = randomBytes(16).toString('hex');
  readonly #output = new OutputTail();
  #child: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #isDisturbed = false;

  private constructor(folder: string, server: string, ports: Ports) {
    this.#folder = folder;
    this.#server = server;
    this.#ports = ports;
  }

  /** @throws CommandError where RabbitMQ is not installed. @throws Error where it does not start. */
  static async start(cleanup: Cleanup): Promise<OwnBroker> {
    const environment = inheritedEnvironment();
    const program = findBrokerProgram(environment['PATH'] ?? '');
    const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-chaos-mq-'));
    cleanup.add(() => rm(folder, { recursive: true, force: true }));
    const [amqp, distribution, epmd] = await freePorts(3);
    const ports = { amqp: amqp!, distribution: distribution!, epmd: epmd! };
    const register = spawn(program.epmd, ['-port', `${ports.epmd}`, '-address', HOST], { stdio: 'ignore' });
    register.once('error', () => undefined);
    cleanup.add(() => void register.kill('SIGKILL'));
    const broker = new OwnBroker(folder, program.server, ports);
    await broker.#configure();
    cleanup.add(() => broker.#destroy());
    broker.#launch();
    await broker.ready();
    return broker;
  }

  /** The way around the proxies: for the kit's own consumer and sender. */
  get url(): string {
    return this.urlThrough(this.#ports.amqp);
  }

  get address(): ServerAddress {
    return { host: HOST, port: this.#ports.amqp };
  }

  urlThrough(port: number): string {
    return `amqp://${BROKER_USER}:${this.#password}@${HOST}:${port}/%2F`;
  }

  /** It runs, and no fault is acting on it. */
  get isUndisturbed(): boolean {
    return !this.#isDisturbed && !this.#hasExited();
  }

  /** Stops or kills it. @returns what starts it again after `pauseMs`; undefined where a fault acts on it already. */
  end(how: 'SIGTERM' | 'SIGKILL', pauseMs: number): (() => Promise<void>) | undefined {
    if (!this.isUndisturbed) return undefined;
    this.#isDisturbed = true;
    this.#signal(how);
    return async () => {
      await this.#exitedInTime();
      await sleep(pauseMs);
      this.#launch();
      await this.ready();
      this.#isDisturbed = false;
    };
  }

  /** Freezes it and its connections. @returns what lets it go on; undefined as for {@link end}. */
  freeze(): (() => Promise<void>) | undefined {
    if (!this.isUndisturbed) return undefined;
    this.#isDisturbed = true;
    this.#signal('SIGSTOP');
    return async () => {
      this.#signal('SIGCONT');
      await this.ready();
      this.#isDisturbed = false;
    };
  }

  /** Resolves when it takes connections. @throws Error with its last output where it does not get there. */
  async ready(): Promise<void> {
    const deadlineMs = performance.now() + READY_TIMEOUT_MS;
    while (!(await this.#answers())) {
      if (this.#hasExited() || performance.now() > deadlineMs) {
        const how = this.#hasExited() ? 'ended' : `took no connection within ${READY_TIMEOUT_MS / 1000} s`;
        throw new Error(`RabbitMQ ${how}. Its last output:\n${this.#output.toString()}`);
      }
      await sleep(READY_POLL_MS);
    }
  }

  async #configure(): Promise<void> {
    const settings = [
      `listeners.tcp.1 = ${HOST}:${this.#ports.amqp}`,
      `default_user = ${BROKER_USER}`,
      `default_pass = ${this.#password}`,
      'log.file = false',
      'log.console = true',
      'log.console.level = error',
    ];
    await writeFile(this.#file('rabbitmq.conf'), `${settings.join('\n')}\n`, { mode: 0o600 });
    // In place of the machine's own files of these kinds.
    await writeFile(this.#file('rabbitmq-env.conf'), '');
    await writeFile(this.#file('enabled_plugins'), '[].\n');
  }

  #launch(): void {
    const environment = inheritedEnvironment();
    const child = spawn(this.#server, [], {
      env: {
        PATH: environment['PATH'],
        LANG: 'C.UTF-8',
        // Where Erlang keeps its cookie.
        HOME: this.#folder,
        ERL_EPMD_PORT: `${this.#ports.epmd}`,
        ERL_EPMD_ADDRESS: HOST,
        RABBITMQ_NODENAME: `chaos-${this.#ports.amqp}@localhost`,
        RABBITMQ_DIST_PORT: `${this.#ports.distribution}`,
        RABBITMQ_CONF_ENV_FILE: this.#file('rabbitmq-env.conf'),
        RABBITMQ_CONFIG_FILE: this.#file('rabbitmq.conf'),
        RABBITMQ_ENABLED_PLUGINS_FILE: this.#file('enabled_plugins'),
        RABBITMQ_MNESIA_BASE: this.#file('data'),
        RABBITMQ_LOG_BASE: this.#file('log'),
        // One scheduler: enough for a run, and the cores are the nodes'.
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: `+S 1:1 -kernel inet_dist_use_interface {127,0,0,1}`,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A process group of its own: its start script and Erlang are signalled together.
      detached: true,
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => this.#output.append(chunk));
    }
    this.#exited = new Promise((resolve) => {
      child.once('error', (error) => {
        this.#output.append(`${error.message}\n`);
        resolve();
      });
      child.once('exit', () => resolve());
    });
  }

  #signal(name: NodeJS.Signals): void {
    if (this.#child?.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, name);
    } catch {
      // All of it is gone.
    }
  }

  async #exitedInTime(): Promise<void> {
    const timer = setTimeout(() => this.#signal('SIGKILL'), STOP_TIMEOUT_MS);
    await this.#exited;
    clearTimeout(timer);
    // The script may have gone before Erlang.
    this.#signal('SIGKILL');
  }

  async #destroy(): Promise<void> {
    this.#isDisturbed = true;
    this.#signal('SIGKILL');
    await this.#exited;
  }

  #hasExited(): boolean {
    const child = this.#child;
    return child?.pid === undefined || child.exitCode !== null || child.signalCode !== null;
  }

  /** A port that is open is not enough: one that is frozen has that. */
  #answers(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect({ host: HOST, port: this.#ports.amqp, timeout: PROBE_TIMEOUT_MS });
      const answer = (isThere: boolean): void => {
        socket.destroy();
        resolve(isThere);
      };
      socket.once('connect', () => socket.write(PROTOCOL_HEADER));
      socket.once('data', () => answer(true));
      for (const event of ['timeout', 'error', 'close'] as const) socket.once(event, () => answer(false));
    });
  }

  #file(name: string): string {
    return path.join(this.#folder, name);
  }
}
