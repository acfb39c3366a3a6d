import { expect } from 'chai';
import { z } from 'zod';
import { createEdge } from './edge.ts';
import type { EdgeDeps } from './edge-deps.ts';
import { defineMessageCommand, type MessageCommand } from './message-command.ts';
import { Problem } from './problems.ts';
import { SHOP } from '../actors/index.ts';
import { FakeActors } from '../test/support/fake-actors.ts';
import { TEST_SECRET } from '../test/support/edge-harness.ts';
import { HeldClock } from '../test/support/manual-clock.ts';
import { silentLog } from '../test/support/silent-log.ts';

const commandOf = (routingKey: string, changes: Partial<MessageCommand> = {}): MessageCommand =>
  defineMessageCommand({
    ...{ routingKey, summary: '', body: z.strictObject({}) },
    perform: () => () => Promise.resolve({ entityId: 'shp_1', answer: { shipment: { shipmentId: '1' } } }),
    ...changes,
  });

function edgeWith(...messages: MessageCommand[]) {
  const clock = new HeldClock();
  const deps = {
    ...{ actors: new FakeActors(clock), clock, log: silentLog, claims: SHOP.claims, auth: { jwtSecret: TEST_SECRET } },
    idempotencyNamespace: '6ba7b810-9dad-41d1-80b4-00c04fd430c8',
  };
  return createEdge({ operations: [], messages, events: SHOP.events }, deps as unknown as EdgeDeps);
}

describe('the commands by message of an edge', () => {
  const message = { routingKey: 'shipment.book.v1', body: {}, sender: { kind: 'user', name: 'shop' } as const };

  it('are those of any kind of actor, answered in its words', async () => {
    const { commands } = edgeWith(commandOf('shipment.book.v1'));
    expect([...commands.routingKeys]).to.deep.equal(['shipment.book.v1']);
    const outcome = await commands.perform({ ...message, messageId: 'm-1' });
    expect(outcome).to.deep.equal({ kind: 'done', answer: { shipment: { shipmentId: '1' } } });
  });

  it('say which refusals will not stay true', async () => {
    const perform = () => () => Promise.reject(new Problem('illegal_transition', 'It is packed first.'));
    const comesEarly = ({ code }: Problem): boolean => code === 'illegal_transition';
    for (const [changes, kind] of [
      [{ perform }, 'refused'],
      [{ perform, comesEarly }, 'not_yet'],
    ] as const) {
      const { commands } = edgeWith(commandOf('shipment.book.v1', changes));
      expect(await commands.perform({ ...message, messageId: 'm-1' })).to.include({ kind });
    }
  });

  it('have a routing key each, with a version', () => {
    const twice = () => edgeWith(commandOf('shipment.book.v1'), commandOf('shipment.book.v1'));
    expect(twice).to.throw('two commands by message have the routing key "shipment.book.v1"');
    for (const none of ['shipment.book', 'Shipment.book.v1', '.v1', 'shipment.book.v0'])
      expect(() => edgeWith(commandOf(none)), none).to.throw(`"${none}" is no routing key`);
  });
});
