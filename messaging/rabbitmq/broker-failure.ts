/** Words and a remedy for an error of the broker's client. The client's own texts name neither. */
import { messageOf } from '../../kernel/errors.ts';

/** The client's messages grow with each answer that a broken connection refused. */
const REASON_CHARS_MAX = 300;

export interface BrokerFailure {
  /** A sentence without a full stop; holds no password. */
  readonly reason: string;
  /** True: the broker answered, and will answer the same until a person changes AMQP_URL or the broker's users. */
  readonly isRefusal: boolean;
}

const REMEDIES: readonly (readonly [code: RegExp, message: RegExp, words: string, isRefusal: boolean])[] = [
  [/^ACCESS_REFUSED$/, /login was refused/i, 'it refuses the user or the password of AMQP_URL', true],
  [
    /^NOT_ALLOWED$/,
    /vhost .* not found/i,
    'the vhost of AMQP_URL does not exist; create it, or correct its name',
    true,
  ],
  [/^NOT_ALLOWED$/, /./, 'the user of AMQP_URL may not use its vhost; grant it with rabbitmqctl set_permissions', true],
  [/^ACCESS_REFUSED$/, /./, 'the user of AMQP_URL lacks a permission in its vhost', true],
  [
    /^(EPROTO$|ERR_SSL)/,
    /ssl|tls/i,
    'it speaks no TLS at this port; write amqp://, or the port of its TLS listener',
    true,
  ],
  [/^VERSION_MISMATCH$/, /./, 'it speaks another version of AMQP; RabbitMQ 3.10 or newer is needed', true],
  [/CERT|SELF_SIGNED|UNABLE_TO_VERIFY/, /./, 'its certificate is not trusted; set NODE_EXTRA_CA_CERTS', true],
  [/^ECONNREFUSED$/, /./, 'nothing listens at the host and port of AMQP_URL', false],
  [/^(ENOTFOUND|EAI_AGAIN)$/, /./, 'the host of AMQP_URL is not known', false],
  [/^(CONNECTION_TIMEOUT|ETIMEDOUT|SOCKET_TIMEOUT)$/, /./, 'it does not answer', false],
  [/^(CONN_CLOSE|ECONNRESET|EPIPE)$/, /./, 'the connection was closed', false],
];

export function brokerFailure(error: unknown): BrokerFailure {
  const said = messageOf(error)
    .replace(/^undefined: /, '')
    .trim()
    .slice(0, REASON_CHARS_MAX);
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  const known = REMEDIES.find(([codes, messages]) => codes.test(code) && messages.test(said));
  return known ? { reason: `${known[2]} (${said})`, isRefusal: known[3] } : { reason: said, isRefusal: false };
}
