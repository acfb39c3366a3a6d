import { expect } from 'chai';
import { KINDS } from '../actors/index.ts';
import { PROVIDERS } from '../actors/payment/providers/index.ts';
import { stockActor } from '../actors/stock/index.ts';
import { systemClock } from '../kernel/clock.ts';
import { choiceSetting } from '../config/setting.ts';
import type { OutsidePort, OutsideService } from './entity/outside-port.ts';
import { Kinds } from './kinds.ts';
import { openPorts, OutsidePorts } from './outside-ports.ts';

const CALL = { idempotencyKey: 'k', notAfter: 1 };

describe('ports to the outside', () => {
  const carrier = (perform: OutsideService['perform'], timeoutMs = 1_000): OutsidePort => ({
    what: 'the carrier',
    setting: choiceSetting('CARRIER', ['van'], 'van'),
    implementations: { van: () => ({ perform }) },
    timeoutMs,
  });
  const open = (port: OutsidePort): OutsidePorts => {
    const kinds = new Kinds([{ ...stockActor, outside: { carrier: port } }]);
    return new OutsidePorts(kinds, openPorts(kinds, { CARRIER: 'van' }, systemClock), systemClock);
  };
  const reasonFor = (call: Promise<unknown>): Promise<string> =>
    call.then(
      () => 'none',
      (error: Error) => error.message,
    );

  it('of payments offer each provider of the list under its name', () => {
    const { setting } = KINDS.ports.get('provider')!;
    const names = Object.keys(PROVIDERS);
    expect(names.map((name) => setting.parse(name))).to.deep.equal(names);
    for (const name of names) {
      expect([...openPorts(KINDS, { [setting.name]: name }, systemClock).keys()]).to.deep.equal([
        ...KINDS.ports.keys(),
      ]);
    }
  });

  it('are called by name, with the call as it is', async () => {
    const calls: unknown[] = [];
    const ports = open(carrier((call) => Promise.resolve(calls.push(call))));
    expect(await ports.call('carrier', CALL)).to.equal(1);
    expect(calls).to.deep.equal([CALL]);
  });

  it('say of whom a call is in doubt, and why', async () => {
    const ports = open(carrier(() => Promise.reject(new Error('scripted: 502'))));
    expect(await reasonFor(ports.call('carrier', CALL))).to.equal('a call of the carrier is in doubt: scripted: 502');
  });

  it('wait no longer for an answer than the port permits', async () => {
    const ports = open(carrier(() => new Promise(() => undefined), 5));
    expect(await reasonFor(ports.call('carrier', CALL))).to.equal(
      'a call of the carrier is in doubt: no answer within 5 ms',
    );
  });

  it('have names of their own: two kinds don’t declare the same', () => {
    const port = carrier(() => Promise.resolve());
    const shipment = { ...stockActor, kind: 'shipment', prefix: 'shp_', outside: { carrier: port } };
    expect(() => new Kinds([{ ...stockActor, outside: { carrier: port } }, shipment])).to.throw(
      'the same name: carrier',
    );
  });
});
