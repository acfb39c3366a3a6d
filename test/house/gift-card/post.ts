/** The port to whoever prints cards and takes them to the post: for this example one that keeps a list. */
import type { OutsideService } from '../../../runtime/entity/outside-port.ts';
import type { SendingCall, SendingOutcome } from './gift-card.ts';

const NO_SUCH_ADDRESS = 'nowhere';

export class CardPost implements OutsideService {
  /** By card: one letter each, however often it is asked for. */
  readonly letters = new Map<string, string>();

  perform({ idempotencyKey, holder }: SendingCall): Promise<SendingOutcome> {
    if (holder === NO_SUCH_ADDRESS) return Promise.resolve({ kind: 'undeliverable' });
    this.letters.set(idempotencyKey, holder);
    return Promise.resolve({ kind: 'sent' });
  }
}
