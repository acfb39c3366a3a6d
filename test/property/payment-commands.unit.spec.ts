/** Any commands and provider answers to one payment, in any order: invariants 3, 5 and 8. */
import fc from 'fast-check';
import { expect } from 'chai';
import type {
  PaymentCommand,
  PaymentEvent,
  PaymentOutcome,
  PaymentState,
  ProviderCall,
  ProviderOutcome,
  ProviderStep,
} from '../../actors/payment/payment.ts';
import { paymentDecider } from '../../actors/payment/decider.ts';
import { NOW } from '../support/decider-specification.ts';
import { callsOf } from '../support/effects.ts';

const RUNS = 1_000;
const ID = 'pay_1';
const AMOUNT = 700;

/** `answer` stands for the provider's answer to whatever call is open then. */
type Step = PaymentCommand | { readonly type: 'answer'; readonly outcome: ProviderOutcome };

const outcome: fc.Arbitrary<ProviderOutcome> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<ProviderOutcome>({ kind: 'approved', reference: 'ref' }) },
  { weight: 1, arbitrary: fc.constant<ProviderOutcome>({ kind: 'refused', code: 'no' }) },
  { weight: 1, arbitrary: fc.constant<ProviderOutcome>({ kind: 'lapsed' }) },
);
const step = fc.constantFrom<ProviderStep>('authorize', 'capture', 'void', 'refund');
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.constant<Step>({
        type: 'Authorize',
        amount: AMOUNT,
        currency: 'GBP',
        method: { type: 'card', token: 't' },
      }),
    },
    { weight: 3, arbitrary: fc.constant<Step>({ type: 'Capture' }) },
    { weight: 1, arbitrary: fc.constant<Step>({ type: 'Reverse' }) },
    { weight: 6, arbitrary: outcome.map((told): Step => ({ type: 'answer', outcome: told })) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(step, outcome)
        .map(([of, told]): Step => ({ type: 'RecordProviderOutcome', step: of, outcome: told })),
    },
  ),
  { maxLength: 30, size: 'max' },
);

const callOf = (state: PaymentState): ProviderCall | undefined =>
  callsOf(paymentDecider.outstanding(state))[0]?.call as ProviderCall | undefined;
const sumsOf = (state: PaymentState): PaymentOutcome => paymentDecider.answer(state, undefined) as PaymentOutcome;

/** Runs the steps; `visit` sees the state before and after each. */
function live(
  all: readonly Step[],
  visit: (before: PaymentState, command: PaymentCommand, after: PaymentState, events: readonly PaymentEvent[]) => void,
): void {
  let state = paymentDecider.initial(ID);
  for (const taken of all) {
    const open = callOf(state)?.step ?? 'authorize';
    const command: PaymentCommand =
      taken.type === 'answer' ? { type: 'RecordProviderOutcome', step: open, outcome: taken.outcome } : taken;
    const decision = paymentDecider.decide(state, command, NOW);
    const events = decision.kind === 'accepted' ? decision.events : [];
    const before = state;
    for (const event of events) state = paymentDecider.evolve(state, event, NOW);
    visit(before, command, state, events);
  }
}

const check = (visit: Parameters<typeof live>[1]): void =>
  fc.assert(
    fc.property(steps, (all) => live(all, visit)),
    { numRuns: RUNS },
  );

describe('any commands to a payment', () => {
  it('keep 0 <= refunded <= captured <= authorized, and nothing captured is lost or voided (invariant 5)', () => {
    check((before, _command, after) => {
      const [was, is] = [sumsOf(before), sumsOf(after)];
      expect(
        0 <= is.refunded && is.refunded <= is.captured && is.captured <= is.authorized,
        JSON.stringify(is),
      ).to.equal(true);
      expect(is.captured).to.be.at.least(was.captured);
      expect(is.refunded).to.be.at.least(was.refunded);
      if (is.status === 'Voiding' || is.status === 'Voided') expect(was.captured).to.equal(0);
    });
  });

  it('start each call to the provider at most once, under one key', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const started = new Map<string, number>();
        const keys = new Map<string, string>();
        live(all, (_before, _command, after, events) => {
          for (const { type } of events) if (type.endsWith('Started')) started.set(type, (started.get(type) ?? 0) + 1);
          const call = callOf(after);
          if (call) expect(keys.get(call.step) ?? call.idempotencyKey).to.equal(call.idempotencyKey);
          if (call) keys.set(call.step, call.idempotencyKey);
        });
        expect(
          [...started.values()].every((count) => count === 1),
          JSON.stringify([...started]),
        ).to.equal(true);
        expect(new Set(keys.values()).size).to.equal(keys.size);
      }),
      { numRuns: RUNS },
    );
  });

  it('never both void and refund, and never ask for money after a reversal', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const seen = new Set<string>();
        let reversed = false;
        live(all, (_before, { type }, _after, events) => {
          for (const event of events) {
            if (event.type === 'AuthorizationStarted' || event.type === 'CaptureStarted')
              expect(reversed, event.type).to.equal(false);
            seen.add(event.type);
          }
          if (type === 'Reverse') reversed = true;
        });
        expect(seen.has('VoidStarted') && seen.has('RefundStarted')).to.equal(false);
      }),
      { numRuns: RUNS },
    );
  });

  it('end with nothing kept, once a reversal was asked for and the provider has answered', () => {
    check((_before, command, after) => {
      if (command.type !== 'Reverse') return;
      let state = after;
      for (let call = callOf(state); call; call = callOf(state)) {
        const decision = paymentDecider.decide(
          state,
          { type: 'RecordProviderOutcome', step: call.step, outcome: { kind: 'approved', reference: 'r' } },
          NOW,
        );
        if (decision.kind !== 'accepted') throw new Error(`${call.step} is not taken: ${decision.kind}`);
        for (const event of decision.events) state = paymentDecider.evolve(state, event, NOW);
      }
      const { status, captured, refunded } = sumsOf(state);
      expect(['Declined', 'Voided', 'Refunded']).to.include(status);
      expect(refunded).to.equal(captured);
    });
  });

  it('have the same outcome when they come again at once; only a lapsed call is renewed anew (invariant 8)', () => {
    check((_before, command, after, events) => {
      const second = paymentDecider.decide(after, command, NOW);
      const lapsed = command.type === 'RecordProviderOutcome' && command.outcome.kind === 'lapsed';
      if (events.length > 0 && !lapsed) expect(second).to.deep.equal({ kind: 'already_done' });
      if (events.length === 0) expect(second.kind).not.to.equal('accepted');
    });
  });

  it('leave a state that is the fold of the events (invariant 3)', () => {
    fc.assert(
      fc.property(steps, (all) => {
        let folded = paymentDecider.initial(ID);
        live(all, (_before, _command, after, events) => {
          // As they are stored.
          for (const event of JSON.parse(JSON.stringify(events)) as PaymentEvent[])
            folded = paymentDecider.evolve(folded, event, NOW);
          expect(folded).to.deep.equal(after);
        });
      }),
      { numRuns: RUNS },
    );
  });
});
