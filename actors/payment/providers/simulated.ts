/**
 * A provider without money. Its answers follow from the token alone, so every worker, and every restart, gives the same:
 *   tok_decline       declines the authorization
 *   tok_slow          answers after 3 s
 *   tok_drop          performs the call and drops the first answer (of this process)
 *   tok_capture_fail  refuses the capture for good
 *   any other         approves
 * A reference derives from the idempotency key: the same key is the same charge.
 */
import type { Clock } from '../../../kernel/clock.ts';
import type { ProviderCall, ProviderOutcome } from '../payment.ts';
import type { PaymentProvider } from './provider.ts';

const SLOW_ANSWER_MS = 3_000;
/** Keys whose first answer was dropped: the oldest are forgotten, and would be dropped once more. */
const DROPPED_KEYS_MAX = 10_000;

const REFERENCE_DIGITS = 16;
const PREFIX = { authorize: 'auth', capture: 'cap', void: 'void', refund: 'ref' } as const;

export class SimulatedProvider implements PaymentProvider {
  readonly #clock: Clock;
  readonly #dropped = new Set<string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async perform(call: ProviderCall): Promise<ProviderOutcome> {
    const { token } = call.method;
    if (token === 'tok_slow') await this.#clock.sleep(SLOW_ANSWER_MS);
    if (token === 'tok_drop' && !this.#dropped.has(call.idempotencyKey)) {
      this.#rememberDropped(call.idempotencyKey);
      throw new Error('the provider performed the call and dropped its answer');
    }
    if (token === 'tok_decline' && call.step === 'authorize') return { kind: 'refused', code: 'card_declined' };
    if (token === 'tok_capture_fail' && call.step === 'capture') return { kind: 'refused', code: 'capture_refused' };
    return { kind: 'approved', reference: referenceOf(call) };
  }

  #rememberDropped(key: string): void {
    if (this.#dropped.size >= DROPPED_KEYS_MAX) {
      for (const oldest of this.#dropped) {
        this.#dropped.delete(oldest);
        break;
      }
    }
    this.#dropped.add(key);
  }
}

function referenceOf({ step, idempotencyKey }: ProviderCall): string {
  const paymentId = idempotencyKey.slice(0, idempotencyKey.indexOf('/'));
  return `${PREFIX[step]}_${paymentId.replaceAll('-', '').slice(-REFERENCE_DIGITS)}`;
}
