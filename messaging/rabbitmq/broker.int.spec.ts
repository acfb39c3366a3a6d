/** What a connection that can't be made says. */
import { expect } from 'chai';
import { HeldClock } from '../../test/support/manual-clock.ts';
import { keptLog } from '../../test/support/silent-log.ts';
import { Broker } from './broker.ts';

describe('a broker that is away', () => {
  it('is one warning, and is at fault once it lasts, with its reason and what helps, until it is back', async () => {
    const clock = new HeldClock();
    const { log, lines } = keptLog();
    const broker = new Broker({ url: 'amqp://guest:secret@127.0.0.1:1/none', name: 'test', clock, log });
    const [failure] = broker.failures;
    try {
      for (let tries = 0; tries < 6; tries++) {
        broker.connection.emit('error', new Error('connect ECONNREFUSED'));
        if (tries === 1) expect(failure!.what).to.equal(undefined);
        clock.advance(3_000);
      }
      expect(lines[0]).to.include({ level: 40, msg: 'RabbitMQ can not be used; trying again' });
      expect(failure!.text).to.include('ECONNREFUSED').and.include('AMQP_URL').and.not.include('secret');
      broker.connection.emit('connection');
      expect(failure!.what).to.equal(undefined);
    } finally {
      await broker.close(100);
    }
  });
});
