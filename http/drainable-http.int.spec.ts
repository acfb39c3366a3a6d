/** What an HTTP server lives through. */
import { expect } from 'chai';
import { pino } from 'pino';
import { systemClock } from '../kernel/clock.ts';
import { ListeningSocket } from '../supervisors/listening-socket.ts';
import { DrainableHttp } from './drainable-http.ts';
import { LeavingAnswers } from './leaving-answers.ts';

describe('a worker’s HTTP server', () => {
  let socket: ListeningSocket;
  let http: DrainableHttp;
  let leaving: LeavingAnswers;
  const logged: { level: number; msg: string; err: { code: string } }[] = [];

  beforeEach(async () => {
    logged.length = 0;
    socket = await ListeningSocket.bind(0, '127.0.0.1');
    const log = pino({}, { write: (line: string) => void logged.push(JSON.parse(line)) });
    leaving = new LeavingAnswers(systemClock);
    http = new DrainableHttp((_req, res) => res.end('well'), leaving, systemClock, log);
    await http.listen([socket.stdio.at(-1) as number]);
  });
  afterEach(() => {
    http.server.close();
    socket.close();
    leaving.stop();
  });

  it('says that connections can’t be accepted, once a second, and serves on', async () => {
    for (let n = 0; n < 100; n++) http.server.emit('error', Object.assign(new Error('accept'), { code: 'ENOBUFS' }));
    expect(logged.map(({ level, msg, err }) => [level, msg, err.code])).to.deep.equal([
      [50, 'a connection could not be accepted', 'ENOBUFS'],
    ]);
    expect(await (await fetch(`http://127.0.0.1:${socket.port}/`)).text()).to.equal('well');
  });
});
