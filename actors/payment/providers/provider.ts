/** The port to whoever moves the money. */
import type { ProviderCall, ProviderOutcome } from '../payment.ts';

export interface PaymentProvider {
  readonly name: string;
  /**
   * Performs the call once per idempotency key: a repeated key answers with the first outcome and moves nothing.
   * @throws whatever leaves the outcome in doubt; the caller repeats the call under the same key.
   */
  perform(call: ProviderCall): Promise<ProviderOutcome>;
}
