/**
 * Finds the node that a command talks to: the one named by --url, the one that runs with these settings, or one that it
 * starts for itself and stops at the end. A node that was running before is never stopped or disturbed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../../config/config.ts';
import { messageOf } from '../../kernel/errors.ts';
import { CommandError } from './command-line.ts';
import { readNodeRecord } from './node-record.ts';
import { startOwnNode, type OwnNode } from './own-node.ts';

const READY_POLL_INTERVAL_MS = 100;
/** The first start with an embedded database makes a cluster, on a slow disk; a recovery may take its time as well. */
const READY_TIMEOUT_MS = 120_000;
const PROBE_TIMEOUT_MS = 5_000;

export interface RunningNode {
  /** Without a slash at the end. */
  readonly baseUrl: string;
  /** Undefined: only the node itself knows. */
  readonly databaseUrl: string | undefined;
  /** True when this command started it. */
  readonly own: boolean;
  /** Stops a node of our own; does nothing for any other. */
  stop(): Promise<void>;
}

/** @throws CommandError saying why there is no node to talk to. */
export async function findOrStartNode(
  config: Config,
  url: string | undefined,
  say: (text: string) => void,
): Promise<RunningNode> {
  const found = await lookForNode(config, url);
  if (typeof found !== 'string') return found;
  say(`No node runs at ${found}: starting one.`);
  const own = await startOwnNode(config.dataDir);
  return await ownNode(config, own, found);
}

/** For commands that need a node that already serves. @throws CommandError when none runs. */
export async function findRunningNode(config: Config, url: string | undefined): Promise<RunningNode> {
  const found = await lookForNode(config, url);
  if (typeof found !== 'string') return found;
  throw new CommandError(`No node runs at ${found}. Start it ("npm start"), or name it by --url.`);
}

/** @returns the address where none runs. */
async function lookForNode(config: Config, url: string | undefined): Promise<RunningNode | string> {
  if (url !== undefined) {
    if (!/^https?:\/\/[^/]/.test(url)) throw new CommandError(`--url "${url}" is no http:// address.`);
    const baseUrl = url.replace(/\/+$/, '');
    const readiness = await probe(baseUrl);
    if (readiness === 'no node') throw new CommandError(`No node answers at ${baseUrl}. Start it, or correct --url.`);
    await untilReady(baseUrl, readiness);
    return foreign(baseUrl, await databaseUrlOf(config, baseUrl));
  }
  const record = await readNodeRecord(config.dataDir);
  const baseUrl = baseUrlOf(config.host, record?.port ?? config.port);
  const readiness = await probe(baseUrl);
  if (readiness === 'no node') return baseUrl;
  await untilReady(baseUrl, readiness);
  return foreign(baseUrl, config.databaseUrl ?? record?.databaseUrl);
}

async function ownNode(config: Config, own: OwnNode, configuredUrl: string): Promise<RunningNode> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    const record = await readNodeRecord(config.dataDir);
    // A record of another process is stale: its process id was reused.
    const baseUrl = record?.pid === own.pid ? baseUrlOf(config.host, record.port) : configuredUrl;
    if (record?.pid === own.pid && (await probe(baseUrl)) === 'ready') {
      return { baseUrl, databaseUrl: record.databaseUrl, own: true, stop: () => own.stop(config.shutdownTimeoutMs) };
    }
    const failure = own.failure();
    if (failure !== undefined) throw new CommandError(`The node that was started for this ended at once: ${failure}`);
    if (performance.now() > deadline) {
      await own.stop(config.shutdownTimeoutMs);
      throw new CommandError(
        `The node that was started for this is not ready after ${READY_TIMEOUT_MS / 1000} s; see ${own.logFile}.`,
      );
    }
    await sleep(READY_POLL_INTERVAL_MS);
  }
}

function foreign(baseUrl: string, databaseUrl: string | undefined): RunningNode {
  return { baseUrl, databaseUrl, own: false, stop: () => Promise.resolve() };
}

/** The node of this DATA_DIR may be another one than --url names; its port tells. */
async function databaseUrlOf(config: Config, baseUrl: string): Promise<string | undefined> {
  if (config.databaseUrl !== undefined) return config.databaseUrl;
  const record = await readNodeRecord(config.dataDir);
  return record !== undefined && String(record.port) === new URL(baseUrl).port ? record.databaseUrl : undefined;
}

/** An address that listens everywhere is reached at this machine's own. */
function baseUrlOf(host: string, port: number): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}

type Readiness = 'ready' | 'starting' | 'no node';

async function probe(baseUrl: string): Promise<Readiness> {
  // Port 0: the system chooses one at the start, so a node that has left no record does not run.
  if (new URL(baseUrl).port === '0') return 'no node';
  let response: Response;
  try {
    response = await fetch(`${baseUrl}/health/ready`, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    await response.arrayBuffer();
  } catch (error) {
    if (isNoNodeThere(error)) return 'no node';
    throw new CommandError(
      `${baseUrl} does not answer as a node does: ${reasonOf(error)}. Free the port, or set PORT or --url.`,
      {
        cause: error,
      },
    );
  }
  if (response.status === 200) return 'ready';
  if (response.status === 503) return 'starting';
  throw new CommandError(
    `${baseUrl} is no Holdfast node: GET /health/ready answered ${response.status}. Free the port, or set PORT or --url.`,
  );
}

async function untilReady(baseUrl: string, first: Readiness): Promise<void> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  let readiness = first;
  while (readiness !== 'ready') {
    if (readiness === 'no node') throw new CommandError(`The node at ${baseUrl} went away while it was starting.`);
    if (performance.now() > deadline) {
      throw new CommandError(
        `The node at ${baseUrl} is not ready after ${READY_TIMEOUT_MS / 1000} s; see its log and /health/ready.`,
      );
    }
    await sleep(READY_POLL_INTERVAL_MS);
    readiness = await probe(baseUrl);
  }
}

const NO_NODE_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'UND_ERR_SOCKET',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

function isNoNodeThere(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' && NO_NODE_CODES.has(code);
}

/** `fetch` hides the reason in its cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? messageOf(error) : messageOf(cause);
}
