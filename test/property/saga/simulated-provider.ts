/**
 * The payment provider's own books: one outcome for each idempotency key, however often it is asked. It writes down
 * everything that a real provider would not take, because a right payment never asks for it.
 */
import type { ProviderCall, ProviderOutcome } from '../../../actors/payment/payment.ts';

export type ProviderTemper = 'approves' | 'declines' | 'refuses capture';

export interface ProviderAccount {
  authorizations: number;
  authorized: number;
  captured: number;
  refunded: number;
  voided: boolean;
}

export class SimulatedProvider {
  readonly violations: string[] = [];
  readonly #accounts = new Map<string, ProviderAccount>();
  readonly #outcomes = new Map<string, ProviderOutcome>();
  readonly #bodies = new Map<string, string>();

  account(token: string): ProviderAccount {
    const none = { authorizations: 0, authorized: 0, captured: 0, refunded: 0, voided: false };
    return this.#accounts.get(token) ?? none;
  }

  /** The payment method's token names the order, and how the provider takes it: 'order-1:declines'. */
  call(call: ProviderCall): ProviderOutcome {
    const { idempotencyKey, notAfter: _notAfter, ...body } = call;
    const known = this.#outcomes.get(idempotencyKey);
    const text = JSON.stringify(body);
    if (known) {
      if (this.#bodies.get(idempotencyKey) !== text)
        this.violations.push(`${idempotencyKey} came again with another body`);
      return known;
    }
    const outcome = this.#apply(call);
    this.#outcomes.set(idempotencyKey, outcome);
    this.#bodies.set(idempotencyKey, text);
    return outcome;
  }

  #apply({ step, amount, method: { token }, authorizationId }: ProviderCall): ProviderOutcome {
    const temper = token.split(':')[1] as ProviderTemper;
    const account = this.account(token);
    this.#accounts.set(token, account);
    const expect = (holds: boolean, rule: string): void => {
      if (!holds) this.violations.push(`${token}: ${step} although ${rule}`);
    };
    if (step !== 'authorize') expect(authorizationId === `auth ${token}`, `it names ${authorizationId}`);
    switch (step) {
      case 'authorize':
        if (temper === 'declines') return { kind: 'refused', code: 'card_declined' };
        account.authorizations += 1;
        account.authorized = amount;
        expect(account.authorizations === 1, 'there is an authorization already');
        return { kind: 'approved', reference: `auth ${token}` };
      case 'capture':
        expect(account.authorized === amount && account.captured === 0 && !account.voided, 'nothing stands authorized');
        if (temper === 'refuses capture') return { kind: 'refused', code: 'capture_refused' };
        account.captured = amount;
        return { kind: 'approved', reference: `capture ${token}` };
      case 'void':
        expect(account.authorized === amount && account.captured === 0 && !account.voided, 'nothing stands authorized');
        account.voided = true;
        return { kind: 'approved', reference: `void ${token}` };
      case 'refund':
        expect(account.captured === amount && account.refunded === 0, 'nothing stands captured');
        account.refunded = amount;
        return { kind: 'approved', reference: `refund ${token}` };
    }
  }
}
