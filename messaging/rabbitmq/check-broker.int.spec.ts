/** What a node says about AMQP_URL when it starts, against a real broker and things that are none. */
import { expect } from 'chai';
import { createServer, type Server } from 'node:net';
import { scratchBrokerOrSkip, type ScratchBroker } from '../../test/support/rabbitmq-broker.ts';
import { StartupError } from '../../kernel/errors.ts';
import { checkBroker } from './check-broker.ts';

async function refusalOf(url: string): Promise<string> {
  const error: unknown = await checkBroker(url).catch((thrown: unknown) => thrown);
  expect(error).to.be.instanceOf(StartupError);
  const { message } = error as StartupError;
  expect(message, 'one line').not.to.include('\n');
  expect(message).not.to.include('undefined').and.not.to.include('wrong-secret');
  return message;
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as { port: number }).port;
}

describe('the check of AMQP_URL at start', () => {
  let broker: ScratchBroker;

  before(async function () {
    broker = await scratchBrokerOrSkip(this);
  });
  after(() => broker?.drop());

  it('is content with a broker that takes the node', async () => {
    expect(await checkBroker(broker.url)).to.equal(undefined);
  });

  it('refuses a wrong password', async () => {
    const url = new URL(broker.url);
    url.password = 'wrong-secret';
    expect(await refusalOf(url.href)).to.match(/user or the password of AMQP_URL/);
  });

  it('refuses a vhost that does not exist', async () => {
    const url = new URL(broker.url);
    url.pathname = '/no-such-vhost';
    expect(await refusalOf(url.href)).to.match(/vhost of AMQP_URL does not exist.*no-such-vhost/);
  });

  it('refuses TLS to a port without it', async () => {
    expect(await refusalOf(broker.url.replace('amqp:', 'amqps:'))).to.match(/no TLS.*amqp:\/\//);
  });

  it('refuses a server that is no broker', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    });
    const port = await listening(server);
    expect(await refusalOf(`amqp://u:wrong-secret@127.0.0.1:${port}`)).to.match(/no RabbitMQ/);
    server.close();
  });

  it('takes a broker that is away, or hangs up, for an outage', async () => {
    const server = createServer((socket) => socket.destroy());
    const port = await listening(server);
    const url = `amqp://u:wrong-secret@127.0.0.1:${port}`;
    expect(await checkBroker(url)).to.match(/closed/);
    await new Promise((resolve) => server.close(resolve));
    expect(await checkBroker(url)).to.match(/nothing listens/);
    expect(await checkBroker('amqp://u:wrong-secret@no-such-host.invalid')).to.match(/not known/);
  });
});
