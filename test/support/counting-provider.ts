/**
 * A payment provider that keeps the money itself: performs each idempotency key once, whatever becomes of its answer,
 * and outlives the node that calls it. Answers by token as the simulated one does; besides, it can be silent.
 */
import type { PaymentProvider } from '../../actors/payment/providers/provider.ts';
import type { ProviderCall, ProviderOutcome, ProviderStep } from '../../actors/payment/payment.ts';

export class CountingProvider implements PaymentProvider {
  /** Every call that came, repetitions too. */
  readonly calls: ProviderCall[] = [];
  readonly #outcomes = new Map<string, { readonly call: ProviderCall; readonly outcome: ProviderOutcome }>();
  readonly #dropped = new Set<string>();
  readonly #silences = new Map<ProviderStep, Promise<void>>();

  /** Calls of this step are performed and not answered until the returned function is called. */
  hold(step: ProviderStep): () => void {
    let open = (): void => undefined;
    const silence = new Promise<void>((resolve) => {
      open = () => {
        this.#silences.delete(step);
        resolve();
      };
    });
    this.#silences.set(step, silence);
    return open;
  }

  /** Answers everything from now on. */
  letGo(): void {
    this.#silences.clear();
  }

  async perform(call: ProviderCall): Promise<ProviderOutcome> {
    this.calls.push(call);
    const { idempotencyKey, method } = call;
    const known = this.#outcomes.get(idempotencyKey);
    const outcome = known?.outcome ?? outcomeOf(call);
    if (!known) this.#outcomes.set(idempotencyKey, { call, outcome });
    await (this.#silences.get(call.step) ?? Promise.resolve());
    if (method.token === 'tok_drop' && !this.#dropped.has(idempotencyKey)) {
      this.#dropped.add(idempotencyKey);
      throw new Error('performed, and the answer dropped');
    }
    return outcome;
  }

  /** Amount moved by a step over all approved keys. */
  moved(step: ProviderStep): number {
    let amount = 0;
    for (const { call, outcome } of this.#outcomes.values()) {
      if (call.step === step && outcome.kind === 'approved') amount += call.amount;
    }
    return amount;
  }
}

function outcomeOf({ step, method, idempotencyKey }: ProviderCall): ProviderOutcome {
  if (method.token === 'tok_decline' && step === 'authorize') return { kind: 'refused', code: 'card_declined' };
  if (method.token === 'tok_capture_fail' && step === 'capture') return { kind: 'refused', code: 'capture_refused' };
  return { kind: 'approved', reference: `ref-${idempotencyKey}` };
}
