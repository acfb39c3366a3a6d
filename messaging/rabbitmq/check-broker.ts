/**
 * Checks AMQP_URL once at start. A broker that is away is an outage and no reason not to start, because orders need
 * none. One that answers and refuses will refuse until a person changes something, so the start ends and names it.
 */
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Connection } from 'rabbitmq-client';
import { StartupError } from '../../kernel/errors.ts';
import { brokerFailure } from './broker-failure.ts';

const TIMEOUT_MS = 3_000;
const AMQP_PORT = 5_672;
const AMQPS_PORT = 5_671;
/** RFC: the client speaks first. */
const PROTOCOL_HEADER = Buffer.from('AMQP\0\0\x09\x01', 'latin1');
/** A broker begins with a method frame of channel 0, or with its own header if it speaks another version. */
const BROKER_BEGINNINGS = ['010000', Buffer.from('AMQP').toString('hex')];

/**
 * @returns why the broker can't be used for now; undefined when it can.
 * @throws StartupError when it, or another program that listens there, refuses this node with this AMQP_URL.
 */
export async function checkBroker(url: string): Promise<string | undefined> {
  const spoken = await beginningOf(url).catch((error: unknown) => refuseOrSay(error));
  if (typeof spoken === 'string') return spoken;
  if (spoken && !BROKER_BEGINNINGS.some((beginning) => spoken.toString('hex').startsWith(beginning))) {
    throw new StartupError(
      'What listens at the host and port of AMQP_URL is no RabbitMQ. Write amqp://user:password@host:5672/vhost.',
    );
  }
  const connection = new Connection({ url, connectionName: 'holdfast/check', connectionTimeout: TIMEOUT_MS });
  try {
    await new Promise<void>((resolve, reject) => {
      connection.once('connection', resolve);
      connection.on('error', reject);
    });
    return undefined;
  } catch (error) {
    return refuseOrSay(error);
  } finally {
    connection.unsafeDestroy();
  }
}

function refuseOrSay(error: unknown): string {
  const { reason, isRefusal } = brokerFailure(error);
  if (isRefusal) throw new StartupError(`RabbitMQ can't be used: ${reason}. Mend AMQP_URL, or leave it out.`);
  return reason;
}

/**
 * The client reads the length of a frame from any program's first bytes, so they are checked before. Undefined: none
 * came.
 */
function beginningOf(url: string): Promise<Buffer | undefined> {
  const { protocol, hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const isTls = protocol === 'amqps:';
  const address = { host, port: Number(port || (isTls ? AMQPS_PORT : AMQP_PORT)) };
  return new Promise((resolve, reject) => {
    const socket: Socket = isTls
      ? connectTls({ ...address, ...(isIP(host) === 0 && { servername: host }) })
      : connectTcp(address);
    const answer = (beginning: Buffer | undefined): void => {
      socket.destroy();
      resolve(beginning);
    };
    socket.setTimeout(TIMEOUT_MS, () => reject(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })));
    socket.once('error', reject);
    socket.once(isTls ? 'secureConnect' : 'connect', () => socket.write(PROTOCOL_HEADER));
    socket.once('data', answer);
    socket.once('end', () => answer(undefined));
    socket.once('close', () => socket.destroy());
  });
}
