/** The payment providers: one file each, one line here. PAYMENT_PROVIDER picks one by its name. */
import type { PaymentProvider } from './provider.ts';
import { SimulatedProvider } from './simulated.ts';

export const PROVIDERS: Readonly<Record<string, () => PaymentProvider>> = {
  simulated: () => new SimulatedProvider(),
};
