/**
 * A real node, as `npm start` runs it, in a DATA_DIR of its own: starts it, speaks to it over HTTP, kills its processes,
 * and takes everything away again. Nothing in here looks inside.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { signDevToken, type Role } from '../../config/dev-token.ts';
import { removeDataDir } from '../../config/runtime-dir.ts';
import { removeEmbeddedCluster } from '../../persistence/embedded/embedded-postgres.ts';

export const TEST_SECRET = 'a secret for tests that is long enough to be one';
const ROOT = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const READY_TIMEOUT_MS = 60_000;
const END_TIMEOUT_MS = 40_000;
const POLL_MS = 20;

/** Waits for a condition. @throws Error that says what was waited for, and what was seen last. */
export async function waitUntil<T>(
  label: string,
  look: () => Promise<T | undefined> | T | undefined,
  timeoutMs = 30_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let seen: unknown;
  while (performance.now() < deadline) {
    try {
      const found = await look();
      if (found !== undefined && found !== false) return found;
      seen = found;
    } catch (error) {
      seen = error;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`waited ${timeoutMs} ms in vain for: ${label} (last seen: ${String(seen)})`);
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: OrderBody;
}

/** What tests read of an order, or of a problem. */
export interface OrderBody {
  readonly orderId: string;
  readonly status: string;
  readonly version: number;
  readonly code?: string;
  readonly cancellation?: { readonly code: string };
  readonly payment: {
    readonly status: string;
    readonly captured: { readonly amount: number };
    readonly refunded: { readonly amount: number };
  };
  readonly reservation: { readonly status: string };
  readonly onHand: number;
  readonly held: number;
  readonly available: number;
  readonly data: readonly OrderBody[];
}

export function orderOf(lines: readonly (readonly [product: string, quantity: number])[], token = 'tok_visa'): unknown {
  return {
    orderLines: lines.map(([productId, quantity]) => ({
      productId,
      quantity,
      unitPrice: { amount: 250, currency: 'GBP' },
    })),
    shippingAddress: { street: '1 High Street', city: 'London', state: '', postalCode: 'N1', country: 'GB' },
    paymentMethod: { type: 'card', token },
  };
}

export class TestNode {
  readonly dataDir: string;
  readonly #environment: Readonly<Record<string, string>>;
  /** The Node that runs it. */
  readonly #program: string;
  readonly #main: string;
  #child: ChildProcess | undefined;
  #output = '';
  #atTerminal = false;
  #url = '';

  private constructor(dataDir: string, environment: Readonly<Record<string, string>>, program: string, main: string) {
    this.dataDir = dataDir;
    this.#environment = environment;
    this.#program = program;
    this.#main = path.join(ROOT, 'dist', main);
  }

  /**
   * With its own DATA_DIR; ports are chosen by the system. Not started yet.
   * @param options `program` is the Node that runs it, `main` the program's file within dist/.
   */
  static async create(
    environment: Readonly<Record<string, string>> = {},
    { program = process.execPath, main = 'main.js' }: { readonly program?: string; readonly main?: string } = {},
  ): Promise<TestNode> {
    return new TestNode(await mkdtemp(path.join(tmpdir(), 'holdfast-node-')), environment, program, main);
  }

  get output(): string {
    return this.#output;
  }

  get url(): string {
    return this.#url;
  }

  /** Begins to start; see `ready`. */
  launch(environment: Readonly<Record<string, string>> = {}, { atTerminal = false } = {}): void {
    this.#output = '';
    const main = this.#main;
    // `script` gives a program a terminal; it ends with the program's exit code.
    const [program, args] = atTerminal
      ? ['script', ['-qefc', `exec '${this.#program}' '${main}'`, '/dev/null']]
      : [this.#program, [main]];
    this.#atTerminal = atTerminal;
    const child = spawn(program, args, {
      env: this.#env(environment),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    child.stdout.on('data', (chunk: Buffer) => (this.#output += chunk.toString().replaceAll('\r', '')));
    child.stderr.on('data', (chunk: Buffer) => (this.#output += chunk.toString()));
    this.#child = child;
  }

  async start(
    environment: Readonly<Record<string, string>> = {},
    options: { atTerminal?: boolean } = {},
  ): Promise<void> {
    this.launch(environment, options);
    const ended = 'ended';
    const found = await waitUntil(
      'the node to be ready',
      () =>
        this.#child?.exitCode !== null ? ended : /Holdfast (?:is ready|has started): (\S+)/.exec(this.#output)?.[1],
      READY_TIMEOUT_MS,
    );
    if (found === ended) throw new Error(`the node ended: ${this.#output}`);
    this.#url = found;
  }

  /** Resolves with the exit code of a node that ends by itself, or was told to. */
  async ended(): Promise<number | null> {
    const child = this.#child!;
    if (child.exitCode === null && child.signalCode === null) {
      await Promise.race([
        once(child, 'exit'),
        new Promise((_, reject) =>
          setTimeout(() => reject(new Error(`the node did not end: ${this.#output}`)), END_TIMEOUT_MS).unref(),
        ),
      ]);
    }
    return child.exitCode;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.#child?.exitCode !== null) return this.#child?.exitCode ?? null;
    // A terminal sends Ctrl-C to the program, not to what shows the terminal.
    if (this.#atTerminal && signal === 'SIGINT') this.#child.stdin!.write('\x03');
    else this.#child.kill(signal);
    return this.ended();
  }

  get pid(): number {
    return this.#child!.pid!;
  }

  async workerPids(): Promise<number[]> {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'pid=', '--ppid', String(this.pid)]).catch(() => ({
      stdout: '',
    }));
    const pids = stdout
      .split('\n')
      .map((line) => Number(line.trim()))
      .filter((pid) => pid > 0);
    const workers: number[] = [];
    for (const pid of pids) {
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      if (command.includes('main.js')) workers.push(pid);
    }
    return workers;
  }

  /** As a power cut for the program: primary and workers at once, without a word. */
  async killAll(): Promise<void> {
    const pids = [this.pid, ...(await this.workerPids())];
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // gone already
      }
    }
    await this.ended();
  }

  async request(
    method: string,
    pathAndQuery: string,
    options: { json?: unknown; role?: Role; sub?: string; headers?: Record<string, string> } = {},
  ): Promise<Answer> {
    const { json, role = 'admin', sub = 'tester', headers = {} } = options;
    const token = await signDevToken({ secret: TEST_SECRET, sub, role, ttlSeconds: 3_600 });
    const response = await fetch(this.#url + pathAndQuery, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(json !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(json !== undefined && { body: JSON.stringify(json) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: (text === '' ? {} : JSON.parse(text)) as OrderBody,
    };
  }

  /** Asks the admin port. */
  async admin(method: string, path: string, role: Role = 'admin'): Promise<Answer & { readonly text: string }> {
    const token = await signDevToken({ secret: TEST_SECRET, sub: 'operator', role, ttlSeconds: 3_600 });
    const { adminPort } = JSON.parse(await readFile(this.#recordFile, 'utf8')) as { adminPort: number };
    const response = await fetch(`http://127.0.0.1:${adminPort}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}` },
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: JSON.parse(text) as OrderBody, text };
  }

  get #recordFile(): string {
    return path.join(this.dataDir, 'node.json');
  }

  /** Places an order until it is answered: whatever the node goes through, the key makes it one order. */
  async placeSurely(key: string, order: unknown): Promise<OrderBody> {
    return waitUntil(
      `order ${key} to be answered`,
      async () => {
        const { status, body } = await this.request('POST', '/api/v1/orders', {
          json: order,
          headers: { 'idempotency-key': key, prefer: 'wait=20' },
        });
        return status === 201 && (body.status === 'Confirmed' || body.status === 'Cancelled') ? body : undefined;
      },
      60_000,
    );
  }

  /** Runs a command of the program against this node's settings. */
  async command(name: string, ...args: string[]): Promise<{ code: number; output: string }> {
    return new Promise((resolve) => {
      execFile(
        this.#program,
        [path.join(ROOT, 'dist', 'commands', `${name}.js`), ...args],
        { env: this.#env({}), maxBuffer: 16 * 1024 * 1024 },
        (error, stdout, stderr) => resolve({ code: error ? Number(error.code ?? 1) : 0, output: stdout + stderr }),
      );
    });
  }

  /** Ends everything and leaves nothing behind. */
  async remove(): Promise<void> {
    if (this.#child && this.#child.exitCode === null && this.#child.signalCode === null) await this.killAll();
    const ownsServer = this.#environment['DATABASE_URL'] === undefined && this.#environment['DATA_DIR'] === undefined;
    if (ownsServer && this.#child !== undefined) {
      // A killed node leaves its server running: a node that stops in order takes it along.
      if (this.#child.signalCode !== null) await this.start().then(() => this.stop());
      await removeEmbeddedCluster(this.dataDir);
    }
    await removeDataDir(this.dataDir);
  }

  #env(environment: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
    const { PATH, HOME } = process.env;
    return {
      PATH,
      HOME,
      DATA_DIR: this.dataDir,
      PORT: '0',
      ADMIN_PORT: '0',
      WORKERS: '2',
      SHARDS: '16',
      LOG_LEVEL: 'warn',
      JWT_SECRET: TEST_SECRET,
      RATE_LIMIT_PER_MINUTE: '0',
      ...this.#environment,
      ...environment,
    };
  }
}
