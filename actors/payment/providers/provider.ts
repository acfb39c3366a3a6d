/** The port to the service that moves the money. */
import type { OutsideService } from '../../../runtime/entity/outside-port.ts';
import type { ProviderCall, ProviderOutcome } from '../payment.ts';

export interface PaymentProvider extends OutsideService {
  perform(call: ProviderCall): Promise<ProviderOutcome>;
}
