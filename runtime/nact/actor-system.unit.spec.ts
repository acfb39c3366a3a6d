import { expect } from 'chai';
import { systemClock } from '../../kernel/clock.ts';
import { waitUntil } from '../../test/support/wait-until.ts';
import { ActorSystem, type Actor, type ActorOptions } from './actor-system.ts';

describe('actor system', () => {
  let system: ActorSystem;
  beforeEach(() => (system = new ActorSystem(systemClock)));
  afterEach(() => system.stop());

  const spawn = (handle: (message: number) => void, options: Partial<ActorOptions<number>> = {}): Actor<number> =>
    system.place('place').spawn<number>({ mailboxCapacityMax: 1_000, handle, onCrash: () => undefined, ...options });

  it('handles messages one at a time, in the order they were told, and not within `tell`', async () => {
    const handled: number[] = [];
    const actor = spawn((message) => handled.push(message));
    for (let n = 0; n < 100; n++) expect(actor.tell(n)).to.equal('accepted');
    expect(handled).to.deep.equal([]);
    await waitUntil('all are handled', () => actor.waiting === 0);
    expect(handled).to.deep.equal(Array.from({ length: 100 }, (_, n) => n));
  });

  it('refuses what its mailbox can not hold, and takes more once there is room', async () => {
    const actor = spawn(() => undefined, { mailboxCapacityMax: 2 });
    expect([1, 2, 3].map((n) => actor.tell(n))).to.deep.equal(['accepted', 'accepted', 'mailbox_full']);
    expect(system.figures.refusals).to.equal(1);
    await waitUntil('it is empty', () => actor.waiting === 0);
    expect(actor.tell(4)).to.equal('accepted');
  });

  it('never refuses a control message for a full mailbox', () => {
    const actor = spawn(() => undefined, { mailboxCapacityMax: 1 });
    actor.tell(1);
    expect(actor.tellAlways(2)).to.equal('accepted');
  });

  it('goes on after a crash: who waits in the mailbox is handled', async () => {
    const handled: number[] = [];
    const crashed: number[] = [];
    const actor = spawn(
      (message) => {
        if (message === 2) throw new Error('scripted');
        handled.push(message);
      },
      { onCrash: (_error, message) => crashed.push(message) },
    );
    for (const n of [1, 2, 3]) actor.tell(n);
    await waitUntil('all are handled', () => actor.waiting === 0);
    expect([handled, crashed, system.figures.crashes]).to.deep.equal([[1, 3], [2], 1]);
  });

  it('retires once its mailbox is empty, not before; a later message is a dead letter and counted', async () => {
    const handled: number[] = [];
    const actor = spawn((message) => handled.push(message));
    for (const n of [1, 2, 3]) actor.tell(n);
    actor.retire();
    await waitUntil('it has stopped', () => system.figures.actors === 0);
    expect(handled).to.deep.equal([1, 2, 3]);
    expect([actor.tell(4), actor.tellAlways(5)]).to.deep.equal(['stopped', 'stopped']);
    expect(system.figures).to.include({ deadLetters: 2, actors: 0 });
  });

  it('retires within its own handler, and after a crash', async () => {
    const calm: Actor<number> = spawn(() => calm.retire());
    calm.tell(1);
    const crashing: Actor<number> = system.place('other').spawn<number>({
      mailboxCapacityMax: 10,
      handle: () => {
        throw new Error('scripted');
      },
      onCrash: () => crashing.retire(),
    });
    crashing.tell(1);
    await waitUntil('both have stopped', () => system.figures.actors === 0);
  });

  it('leaves its pooled actor to the next one, which receives none of the former’s messages', async () => {
    const place = system.place('shared');
    const heard: string[] = [];
    const spawnNext = (name: string, handle: (message: number) => void = () => undefined): Actor<number> =>
      place.spawn<number>({
        mailboxCapacityMax: 10,
        handle: (message) => {
          heard.push(`${name} ${message}`);
          handle(message);
        },
        onCrash: (_error, message) => heard.push(`${name} crashed at ${message}`),
      });
    let second: Actor<number> | undefined;
    // It leaves within its own handler, has a successor at once, and crashes only then.
    const first = spawnNext('first', () => {
      first.retire();
      second = spawnNext('second');
      second.tell(2);
      throw new Error('scripted');
    });
    first.tell(1);
    await waitUntil('both were told', () => second?.waiting === 0);
    expect(first.tell(3)).to.equal('stopped');
    second!.tell(4);
    await waitUntil('the second is told again', () => second?.waiting === 0);
    expect(heard).to.deep.equal(['first 1', 'first crashed at 1', 'second 2', 'second 4']);
    expect(system.figures).to.include({ actors: 1, crashes: 1, deadLetters: 1 });
  });

  it('takes no message once it is stopped, and counts it', () => {
    const actor = spawn(() => undefined);
    system.stop();
    expect([actor.tell(1), actor.tellAlways(2)]).to.deep.equal(['stopped', 'stopped']);
    expect(system.figures.deadLetters).to.equal(2);
  });

  it('retires at once when nothing waits, and only once', () => {
    const actor = spawn(() => undefined);
    actor.retire();
    actor.retire();
    expect(system.figures.actors).to.equal(0);
  });
});
