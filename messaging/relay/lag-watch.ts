/** Logs that events wait: once while it lasts, with what may be the cause, and once when it is over. */
import type { Logger } from 'pino';

/** Rows wait for milliseconds as a rule, and for seconds behind a burst. Longer is logged. */
const LAG_WARNED_MS = 60_000;

interface Lag {
  readonly lagRows: number;
  readonly lagMs: number;
  readonly brokerIsUp: boolean;
}

export class LagWatch {
  readonly #log: Logger;
  #isLogged = false;

  constructor(log: Logger) {
    this.#log = log;
  }

  look({ lagRows, lagMs, brokerIsUp }: Lag): void {
    if (lagMs > LAG_WARNED_MS && !this.#isLogged) {
      this.#isLogged = true;
      const facts = { lagRows, lagSeconds: Math.round(lagMs / 1_000), brokerIsUp };
      this.#log.warn(facts, 'events wait to be published; see "npm run -s relay -- status"');
    } else if (lagRows === 0 && this.#isLogged) {
      this.#isLogged = false;
      this.#log.info('all events are published again');
    }
  }
}
