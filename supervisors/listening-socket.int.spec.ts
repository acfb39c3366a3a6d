/** What an operator reads of a port that can't be opened: the setting at fault and its remedy. */
import { expect } from 'chai';
import { createServer } from 'node:net';
import { StartupError } from '../kernel/errors.ts';
import { listenProblem, ListeningSocket } from './listening-socket.ts';

/** TEST-NET-1 (RFC 5737): on no machine. */
const FOREIGN = '192.0.2.1';

async function refusalOf(port: number, host: string): Promise<string> {
  const error: unknown = await ListeningSocket.bind(port, host).catch((thrown: unknown) => thrown);
  expect(error).to.be.instanceOf(StartupError);
  return (error as Error).message;
}

describe('a port that can not be opened', () => {
  it('is taken: the remedy is the port', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as { port: number };
    try {
      expect(await refusalOf(port, '127.0.0.1')).to.match(/^PORT \d+ .* is taken by another process.*set PORT\.$/);
    } finally {
      other.close();
    }
  });

  for (const host of [FOREIGN, 'nowhere.invalid']) {
    it(`is on ${host}: the remedy is the host`, async () => {
      expect(await refusalOf(0, host)).to.match(/^HOST \S+ is no address of this machine \(E\w+\)\. Correct HOST\.$/);
    });
  }

  it('names the settings of the admin port alike', () => {
    expect(listenProblem('ADMIN_PORT', 4451, FOREIGN, 'EADDRNOTAVAIL')).to.equal(
      `ADMIN_HOST ${FOREIGN} is no address of this machine (EADDRNOTAVAIL). Correct ADMIN_HOST.`,
    );
    expect(listenProblem('ADMIN_PORT', 80, '127.0.0.1', 'EACCES')).to.match(
      /by this user.*ADMIN_PORT to 1024 or above/,
    );
    expect(listenProblem('PORT', 1, '127.0.0.1', 'EPROTO')).to.match(/\(EPROTO\)\. Correct HOST, or set PORT\.$/);
  });
});
