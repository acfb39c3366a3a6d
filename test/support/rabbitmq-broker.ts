/**
 * A virtual host of RabbitMQ for one spec: made with `rabbitmqctl` on the broker of this machine and deleted at the
 * end, so that no other queues are touched. Where the broker or `rabbitmqctl` is missing the spec is skipped with a
 * word; in CI that is a failure.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { messageOf } from '../../kernel/errors.ts';
import { skipWithReason } from './skip-with-reason.ts';

const SERVER_URL = process.env['TEST_AMQP_URL'] ?? 'amqp://guest:guest@127.0.0.1:5672';
const PROBE_TIMEOUT_MS = 2_000;

const run = promisify(execFile);

/** Looked up once a run: `rabbitmqctl` takes a second. */
let whyNot: Promise<string | undefined> | undefined;

/** Regular expressions on the names of exchanges and queues, as `rabbitmqctl set_permissions` takes them. */
export type Permissions = readonly [configure: string, write: string, read: string];

const ALL: Permissions = ['.*', '.*', '.*'];

export interface ScratchBroker {
  /** With the virtual host. */
  readonly url: string;
  /** The URL of another user, made for this spec; without permissions given, with all in the virtual host. */
  addUser(name: string, permissions?: Permissions): Promise<string>;
  /** The broker closes all connections of the virtual host, as an operator may. */
  closeConnections(): Promise<void>;
  drop(): Promise<void>;
}

/** Call it in `before` with the hook's `this`; drop what it returns in `after`. */
export async function scratchBrokerOrSkip(hook: Mocha.Context): Promise<ScratchBroker> {
  whyNot ??= whyNoBroker().then(async (reason) => reason ?? (await whyNoControl()));
  const reason = await whyNot;
  if (reason === undefined) return createScratchBroker();
  if (process.env['CI'] === 'true') throw new Error(`${reason}, and in CI there must be one`);
  return skipWithReason(hook, reason);
}

async function createScratchBroker(): Promise<ScratchBroker> {
  const name = `holdfast_test_${randomBytes(6).toString('hex')}`;
  const server = new URL(SERVER_URL);
  const users: string[] = [];
  await control('add_vhost', name);
  await allow(name, decodeURIComponent(server.username), ALL);
  const urlOf = (user: string, password: string): string => {
    const url = new URL(SERVER_URL);
    Object.assign(url, { username: user, password, pathname: `/${name}` });
    return url.href;
  };
  return {
    url: urlOf(server.username, server.password),
    addUser: async (user, permissions = ALL) => {
      const unique = `${user}-${name}`;
      await control('add_user', unique, 'secret');
      users.push(unique);
      await allow(name, unique, permissions);
      return urlOf(unique, 'secret');
    },
    closeConnections: async () => void (await control('close_all_connections', '--vhost', name, 'a test')),
    drop: async () => {
      await control('delete_vhost', name);
      for (const user of users) await control('delete_user', user);
    },
  };
}

async function allow(vhost: string, user: string, permissions: Permissions): Promise<void> {
  await control('set_permissions', '-p', vhost, user, ...permissions);
}

async function control(...args: readonly string[]): Promise<string> {
  return (await run('rabbitmqctl', ['-q', ...args])).stdout;
}

async function whyNoBroker(): Promise<string | undefined> {
  const { hostname, port } = new URL(SERVER_URL);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port || 5672), timeout: PROBE_TIMEOUT_MS });
    const answer = (reason: string | undefined): void => {
      socket.destroy();
      resolve(reason);
    };
    socket.once('connect', () => answer(undefined));
    socket.once('timeout', () => answer('no RabbitMQ on this machine (no answer)'));
    socket.once('error', (error) => answer(`no RabbitMQ on this machine (${messageOf(error)})`));
  });
}

async function whyNoControl(): Promise<string | undefined> {
  try {
    await control('list_vhosts');
    return undefined;
  } catch (error) {
    return `rabbitmqctl can't be used here (${messageOf(error).split('\n')[0]})`;
  }
}
