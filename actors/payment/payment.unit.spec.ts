import { expect } from 'chai';
import { itDecides, itFollowsOnly, specify } from '../../test/support/decider-specification.ts';
import { callsOf } from '../../test/support/effects.ts';
import {
  method,
  notAfter,
  started,
  authorized,
  declined,
  captureStarted,
  captured,
  captureFailed,
  reversalRequested,
  abandoned,
  voidStarted,
  voided,
  refundStarted,
  refunded,
  renewed,
  capturing,
  uncapturable,
  paid,
  histories,
  type PaymentHistoryName as Name,
} from '../../test/support/payment-histories.ts';
import {
  CALL_WINDOW_MS,
  PROVIDER_PORT,
  type PaymentCommand,
  type PaymentEvent,
  type PaymentSum,
  type ProviderCall,
  type ProviderOutcome,
  type ProviderStep,
} from './payment.ts';
import { paymentDecider } from './decider.ts';

const ID = 'pay_1';
const given = specify(paymentDecider, ID);
const authorize: PaymentCommand = { type: 'Authorize', amount: 500, currency: 'GBP', method };
const told = (step: ProviderStep, outcome: ProviderOutcome): PaymentCommand => ({
  type: 'RecordProviderOutcome',
  step,
  outcome,
});
const approved = { kind: 'approved', reference: 'r' } as const;
const refused = { kind: 'refused', code: 'no' } as const;
const lapsed = { kind: 'lapsed' } as const;

describe('Payment decides', () => {
  const table: Record<Name, readonly [authorize: string, capture: string, reverse: string]> = {
    Absent: ['AuthorizationStarted', 'illegal_transition', 'PaymentAbandoned'],
    Authorizing: ['already_done', 'illegal_transition', 'PaymentReversalRequested'],
    'Authorizing, reversing': ['already_done', 'illegal_transition', 'already_done'],
    Declined: ['already_done', 'already_done', 'already_done'],
    Authorized: ['already_done', 'CaptureStarted', 'VoidStarted'],
    'Authorized, uncapturable': ['already_done', 'already_done', 'VoidStarted'],
    Capturing: ['already_done', 'already_done', 'PaymentReversalRequested'],
    'Capturing, reversing': ['already_done', 'already_done', 'already_done'],
    Captured: ['already_done', 'already_done', 'RefundStarted'],
    Voiding: ['already_done', 'already_done', 'already_done'],
    Voided: ['already_done', 'already_done', 'already_done'],
    'Voided, never asked for': ['already_done', 'already_done', 'already_done'],
    Refunding: ['already_done', 'already_done', 'already_done'],
    Refunded: ['already_done', 'already_done', 'already_done'],
  };
  const commands = { Authorize: authorize, Capture: { type: 'Capture' }, Reverse: { type: 'Reverse' } } as const;
  for (const [name, [toAuthorize, toCapture, toReverse]] of Object.entries(table)) {
    itDecides(given, commands, [
      [name, histories[name as Name], { Authorize: toAuthorize, Capture: toCapture, Reverse: toReverse }],
    ]);
  }

  it('nothing of a second authorization with another amount: the first stands', () => {
    given(started)
      .when({ ...authorize, amount: 1 })
      .isAlreadyDone();
  });
});

describe('Payment takes a provider outcome', () => {
  const steps: readonly ProviderStep[] = ['authorize', 'capture', 'void', 'refund'];
  /** For the step whose call is open: [step, approved, refused]. */
  const open: Partial<Record<Name, readonly [ProviderStep, string, string]>> = {
    Authorizing: ['authorize', 'PaymentAuthorized', 'PaymentDeclined'],
    'Authorizing, reversing': ['authorize', 'PaymentAuthorized VoidStarted', 'PaymentDeclined'],
    Capturing: ['capture', 'PaymentCaptured', 'PaymentCaptureFailed'],
    'Capturing, reversing': ['capture', 'PaymentCaptured RefundStarted', 'PaymentCaptureFailed VoidStarted'],
    Voiding: ['void', 'PaymentVoided', 'illegal_transition'],
    Refunding: ['refund', 'PaymentRefunded', 'illegal_transition'],
  };
  for (const [name, history] of Object.entries(histories)) {
    for (const step of steps) {
      const call = open[name as Name];
      const [whenApproved, whenRefused, whenLapsed] =
        call?.[0] === step ? [call[1], call[2], 'CallRenewed'] : ['already_done', 'already_done', 'already_done'];
      const commands = {
        [`${step} approved`]: told(step, approved),
        [`${step} refused`]: told(step, refused),
        [`${step} lapsed`]: told(step, lapsed),
      };
      const outcomes = {
        [`${step} approved`]: whenApproved,
        [`${step} refused`]: whenRefused,
        [`${step} lapsed`]: whenLapsed,
      };
      itDecides(given, commands, [[name, history, outcomes]]);
    }
  }

  it('and records with every end of a call what the call was about', () => {
    const sum = { amount: 500, currency: 'GBP' };
    const ends = Object.entries(open).flatMap(([name, [step]]) =>
      [approved, refused].map((outcome) =>
        paymentDecider.decide(given(...histories[name as Name]).state, told(step, outcome), notAfter),
      ),
    );
    const events = ends.flatMap((decision) => (decision.kind === 'accepted' ? [decision.events[0]] : []));
    expect(events).to.have.length(10);
    for (const event of events) expect(event).to.include(sum);
  });

  it('and gives a renewed call its whole time again', () => {
    const at = notAfter + 5;
    given(started)
      .when(told('authorize', lapsed), { at })
      .accepts({ type: 'CallRenewed', step: 'authorize', notAfter: at + CALL_WINDOW_MS });
  });
});

describe('Payment refuses to fold what cannot have happened', () => {
  const samples = [
    started,
    authorized,
    declined,
    captureStarted,
    captured,
    captureFailed,
    reversalRequested,
    abandoned,
    voidStarted,
    voided,
    refundStarted,
    refunded,
    renewed('authorize'),
  ];
  const follows: Record<Name, readonly PaymentEvent['type'][]> = {
    Absent: ['AuthorizationStarted', 'PaymentAbandoned'],
    Authorizing: ['PaymentAuthorized', 'PaymentDeclined', 'PaymentReversalRequested', 'CallRenewed'],
    'Authorizing, reversing': ['PaymentAuthorized', 'PaymentDeclined', 'CallRenewed'],
    Declined: [],
    Authorized: ['CaptureStarted', 'VoidStarted'],
    'Authorized, uncapturable': ['VoidStarted'],
    Capturing: ['PaymentCaptured', 'PaymentCaptureFailed', 'PaymentReversalRequested'],
    'Capturing, reversing': ['PaymentCaptured', 'PaymentCaptureFailed'],
    Captured: ['RefundStarted'],
    Voiding: ['PaymentVoided'],
    Voided: [],
    'Voided, never asked for': [],
    Refunding: ['PaymentRefunded'],
    Refunded: [],
  };
  const rows = Object.entries(follows).map(([name, types]) => [name, histories[name as Name], types] as const);
  itFollowsOnly(given, paymentDecider.evolve, samples, rows);

  it('an unknown event', () => given().refusesToEvolve({ type: 'PaymentLost' } as unknown as PaymentEvent));
  for (const step of ['authorize', 'void', 'refund'] as const) {
    it(`a renewed ${step} while a capture is open`, () => given(...capturing).refusesToEvolve(renewed(step)));
  }
  it('a capture, a refund or its intent over another amount', () => {
    given(...capturing).refusesToEvolve({ ...captured, amount: 501 } as PaymentEvent);
    given(...paid).refusesToEvolve({ ...refundStarted, amount: 501 } as PaymentEvent);
    given(...paid, refundStarted).refusesToEvolve({ ...refunded, amount: 499 } as PaymentEvent);
  });
});

describe('Payment folds', () => {
  it('a row from before sums were recorded as one that has its sum', () => {
    const before = [authorized, declined, captureFailed, voided].map(({ type, ...rest }) => {
      const { amount: _amount, currency: _currency, ...old } = rest as Partial<PaymentSum>;
      return { type, ...old } as PaymentEvent;
    });
    const [oldAuthorized, oldDeclined, oldFailed, oldVoided] = before as [
      PaymentEvent,
      PaymentEvent,
      PaymentEvent,
      PaymentEvent,
    ];
    expect(given(started, oldDeclined).state).to.deep.equal(given(started, declined).state);
    expect(given(started, oldAuthorized, captureStarted, oldFailed, voidStarted, oldVoided).state).to.deep.equal(
      given(started, authorized, captureStarted, captureFailed, voidStarted, voided).state,
    );
  });
});

describe('Payment waits for the provider', () => {
  const callOf = (history: readonly PaymentEvent[]): ProviderCall | undefined =>
    callsOf(paymentDecider.outstanding(given(...history).state))[0]?.call as ProviderCall | undefined;

  it('exactly while a call is open, and is at rest otherwise', () => {
    const openNames = Object.entries(histories)
      .filter(([, history]) => callOf(history))
      .map(([name]) => name);
    expect(openNames).to.deep.equal([
      'Authorizing',
      'Authorizing, reversing',
      'Capturing',
      'Capturing, reversing',
      'Voiding',
      'Refunding',
    ]);
    for (const history of Object.values(histories)) {
      expect(paymentDecider.isAtRest(given(...history).state)).to.equal(callOf(history) === undefined);
    }
  });

  it('with one key for each step, also after the call was renewed', () => {
    const later: PaymentEvent = { type: 'CallRenewed', step: 'authorize', notAfter: notAfter + 1 };
    expect(callOf([started])).to.deep.equal({
      step: 'authorize',
      idempotencyKey: 'pay_1/authorize',
      notAfter,
      amount: 500,
      currency: 'GBP',
      method,
    });
    expect(callOf([started, later])).to.deep.equal({ ...callOf([started]), notAfter: notAfter + 1 });
  });

  it('with the authorization named in every later step', () => {
    for (const name of ['Capturing', 'Voiding', 'Refunding'] as const) {
      expect(callOf(histories[name])?.authorizationId).to.equal('auth');
    }
  });

  it('and makes its own command of the answer', () => {
    const effect = callsOf(paymentDecider.outstanding(given(started).state))[0]!;
    expect(effect.port).to.equal(PROVIDER_PORT);
    expect(paymentDecider.conclude(effect, { kind: 'done', value: approved })).to.deep.equal(
      told('authorize', approved),
    );
    expect(() => paymentDecider.conclude(effect, { kind: 'rejected', refusal: { code: 'x' } })).to.throw();
  });
});

describe('Payment answers', () => {
  const sums: Record<Name, readonly [authorized: number, captured: number, refunded: number, code?: string]> = {
    Absent: [0, 0, 0],
    Authorizing: [0, 0, 0],
    'Authorizing, reversing': [0, 0, 0],
    Declined: [0, 0, 0, 'card_declined'],
    Authorized: [500, 0, 0],
    'Authorized, uncapturable': [500, 0, 0, 'capture_refused'],
    Capturing: [500, 0, 0],
    'Capturing, reversing': [500, 0, 0],
    Captured: [500, 500, 0],
    Voiding: [500, 0, 0],
    Voided: [500, 0, 0],
    'Voided, never asked for': [0, 0, 0],
    Refunding: [500, 500, 0],
    Refunded: [500, 500, 500],
  };
  for (const [name, [authorizedSum, capturedSum, refundedSum, code]] of Object.entries(sums)) {
    it(`${name}: ${authorizedSum} authorized, ${capturedSum} captured, ${refundedSum} refunded`, () => {
      const { state } = given(...histories[name as Name]);
      expect(paymentDecider.answer(state, undefined)).to.deep.equal({
        status: state.status,
        authorized: authorizedSum,
        captured: capturedSum,
        refunded: refundedSum,
        ...(code && { code }),
      });
    });
  }

  it('why the capture failed, still after the void', () => {
    const { state } = given(...uncapturable, voidStarted, voided);
    expect(paymentDecider.answer(state, undefined)).to.include({ status: 'Voided', code: 'capture_refused' });
  });
});
