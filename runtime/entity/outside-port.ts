/**
 * A port to a service outside of the system (a payment provider, a carrier), as a kind of actor declares it: which
 * implementations there are, and which setting picks one. runtime/outside-ports.ts calls it.
 */
import type { Clock } from '../../kernel/clock.ts';
import type { Setting } from '../../config/setting.ts';
import type { OutsideCall } from '../../kernel/decider.ts';

export interface OutsideService {
  /**
   * Performs the call once per idempotency key: a repeated key answers with the first outcome and moves nothing.
   * @throws whatever leaves the outcome in doubt; the engine repeats the call under the same key.
   */
  perform(call: OutsideCall): Promise<unknown>;
}

export interface OutsidePort {
  /** As messages call it: 'the payment provider'. */
  readonly what: string;
  /** Names the implementation. */
  readonly setting: Setting<string>;
  readonly implementations: Readonly<Record<string, (clock: Clock) => OutsideService>>;
  /** A call that is not answered within this time is in doubt. */
  readonly timeoutMs: number;
}
