/** The payment providers: one file each, one line here. PAYMENT_PROVIDER picks one by its name. */
import type { Clock } from '../../../kernel/clock.ts';
import type { PaymentProvider } from './provider.ts';
import { SimulatedProvider } from './simulated.ts';

export const PROVIDERS: Readonly<Record<string, (clock: Clock) => PaymentProvider>> = {
  simulated: (clock) => new SimulatedProvider(clock),
};
