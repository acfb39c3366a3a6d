/** Connections over several open files of one socket, in a process that is always busy. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { LISTENING_FDS, ListeningSocket } from '../supervisors/listening-socket.ts';

const CLIENTS = 320;
const REQUEST = 'GET / HTTP/1.1\r\nHost: here\r\n\r\n';
const PROGRAM = fileURLToPath(new URL('../test/support/busy-server.ts', import.meta.url));

describe('listeners of a worker', () => {
  let socket: ListeningSocket;
  let server: ChildProcess;
  const clients: Socket[] = [];

  const start = async (fds: readonly number[], connectionsMax: number): Promise<void> => {
    socket = await ListeningSocket.bind(0, '127.0.0.1');
    server = fork(PROGRAM, [fds.join(), String(connectionsMax)], {
      execArgv: ['--import', 'tsx'],
      stdio: socket.stdio,
    });
    await once(server, 'message');
  };
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    const exited = once(server, 'exit');
    server.kill('SIGKILL');
    await exited;
    socket.close();
  });

  /** @returns in which turn it was let in; undefined where its connection was closed instead. */
  const ask = (): Promise<number | undefined> =>
    new Promise((resolve) => {
      const client = connect(socket.port, '127.0.0.1', () => client.write(REQUEST));
      clients.push(client);
      client.once('data', (answer) => resolve(Number(/\d+$/.exec(answer.toString())?.[0])));
      client.once('error', () => resolve(undefined));
      client.once('close', () => resolve(undefined));
    });
  const askAll = (): Promise<(number | undefined)[]> => Promise.all(Array.from({ length: CLIENTS }, ask));

  /** How many turns it took from the first that was let in to the last. */
  const turnsOver = async (fds: readonly number[]): Promise<number> => {
    await start(fds, CLIENTS);
    const turns = (await askAll()).map((turn) => turn ?? NaN);
    return Math.max(...turns) - Math.min(...turns);
  };

  it('let in one a turn over one open file, and many over many', async () => {
    expect(await turnsOver(LISTENING_FDS.slice(0, 1))).to.be.at.least(0.8 * CLIENTS);
    server.kill('SIGKILL');
    socket.close();
    // A sixteenth, and room for clients that are slow to come.
    expect(await turnsOver(LISTENING_FDS)).to.be.at.most(CLIENTS / 4);
  });

  it('cuts off connections beyond the limit, over all files together, and no others', async () => {
    await start(LISTENING_FDS, CLIENTS - 20);
    const answers = await askAll();
    expect(answers.filter((answer) => answer === undefined)).to.have.length(20);
  });
});
