import { expect } from 'chai';
import { CorruptionError } from './errors.ts';
import { LAPSED, accepted, type Decider } from './decider.ts';
import { defineDecider } from './define-decider.ts';
import { callStep, step, type Step } from './step.ts';

type State = { readonly status: 'Absent' | 'Packed' | 'Booked' | 'Left'; readonly id: string; readonly dueAt?: number };
type Command = { readonly type: 'Record'; readonly outcome: unknown } | { readonly type: 'Expire' };
interface Event {
  readonly type: 'Moved';
}
type Packed = State & { readonly status: 'Packed' };
type Booked = State & { readonly status: 'Booked' };

const isPacked = (state: State): state is Packed => state.status === 'Packed';
const isBooked = (state: State): state is Booked => state.status === 'Booked';
const record = (outcome: string): Command => ({ type: 'Record', outcome });

const label = step({
  key: 'label',
  when: isPacked,
  to: ({ id }) => `lbl_${id}`,
  command: () => ({ type: 'Print' }),
  until: 'durable',
  conclude: record,
});
const notify = step({
  key: 'notify',
  when: isPacked,
  to: () => 'usr_1',
  command: () => ({ type: 'Notify' }),
  until: 'settled',
  conclude: record,
});
const book = callStep({
  key: 'book',
  when: isBooked,
  port: 'carrier',
  call: ({ id }) => ({ idempotencyKey: `${id}/book`, notAfter: 7 }),
  conclude: record,
});

const parts = {
  kind: 'parcel',
  initial: (id: string): State => ({ status: 'Absent', id }),
  decide: () => accepted<Event>({ type: 'Moved' }),
  evolve: (state: State) => state,
  answer: (state: State) => state,
  exists: (state: State) => state.status !== 'Absent',
};
const at = (status: State['status'], dueAt?: number): State => ({
  status,
  id: '1',
  ...(dueAt !== undefined && { dueAt }),
});

describe('a decider made of its parts', () => {
  const parcel: Decider<State, Command, Event, never> = defineDecider({
    ...parts,
    steps: [label, notify, book],
    deadline: { at: ({ dueAt }) => dueAt, command: { type: 'Expire' } },
  });

  it('waits for the steps that are due, in the order of the list', () => {
    expect(parcel.outstanding(at('Packed'))).to.deep.equal([
      {
        kind: 'send',
        key: 'label',
        to: 'lbl_1',
        commandId: 'parcel/label',
        command: { type: 'Print' },
        until: 'durable',
      },
      {
        kind: 'send',
        key: 'notify',
        to: 'usr_1',
        commandId: 'parcel/notify',
        command: { type: 'Notify' },
        until: 'settled',
      },
    ]);
    expect(parcel.outstanding(at('Booked'))).to.deep.equal([
      { kind: 'call', key: 'book', port: 'carrier', call: { idempotencyKey: '1/book', notAfter: 7 } },
    ]);
    expect([at('Packed'), at('Booked')].map((state) => parcel.isAtRest(state))).to.deep.equal([false, false]);
  });

  it('is at rest while none is due, and makes no list of nothing', () => {
    expect(parcel.isAtRest(at('Left'))).to.equal(true);
    expect(parcel.outstanding(at('Left'))).to.be.empty.and.equal(parcel.outstanding(at('Absent')));
  });

  it('concludes an answer as its step says', () => {
    const [effect] = parcel.outstanding(at('Packed'));
    expect(parcel.conclude(effect!, { kind: 'done', value: 'printed' })).to.deep.equal(record('printed'));
    const [call] = parcel.outstanding(at('Booked'));
    expect(parcel.conclude(call!, { kind: 'done', value: LAPSED })).to.deep.equal({ type: 'Record', outcome: LAPSED });
  });

  it('refuses a refusal, and an answer to what is no step of it', () => {
    const [effect] = parcel.outstanding(at('Packed'));
    const refused = { kind: 'rejected', refusal: { code: 'no_paper' } } as const;
    expect(() => parcel.conclude(effect!, refused)).to.throw(CorruptionError, 'parcel: refused: no_paper');
    expect(() => parcel.conclude({ ...effect!, key: 'fly' }, { kind: 'done', value: 1 })).to.throw(
      CorruptionError,
      'fly',
    );
  });

  it('has a command for its deadline while that runs', () => {
    expect(parcel.deadline(at('Packed', 9))).to.equal(9);
    expect(parcel.onDeadline(at('Packed', 9))).to.deep.equal({ type: 'Expire' });
    expect([parcel.deadline(at('Packed')), parcel.onDeadline(at('Packed'))]).to.deep.equal([undefined, undefined]);
  });

  it('without steps and a deadline never waits', () => {
    const plain: Decider<State, Command, Event, never> = defineDecider(parts);
    expect(plain.isAtRest(at('Packed'))).to.equal(true);
    expect(plain.outstanding(at('Packed'))).to.deep.equal([]);
    expect([plain.deadline(at('Packed', 9)), plain.onDeadline(at('Packed', 9))]).to.deep.equal([undefined, undefined]);
  });

  it('has no two steps of one key', () => {
    const steps: Step<State, Command>[] = [label, notify, label];
    expect(() => defineDecider<State, Command, Event, never>({ ...parts, steps })).to.throw(
      'parcel: two steps have the same key',
    );
  });

  it('has no step without a conclusion', () => {
    const { key, when } = { key: 'label', when: isPacked };
    const send = { key, when, to: () => 'lbl_1', command: () => ({ type: 'Print' }), until: 'durable' } as const;
    const call = { key, when, port: 'carrier', call: () => ({ idempotencyKey: 'k', notAfter: 1 }) };
    // @ts-expect-error: what becomes of its answer is missing
    expect(step(send)).to.be.an('object');
    // @ts-expect-error: what becomes of its outcome is missing
    expect(callStep(call)).to.be.an('object');
  });
});
