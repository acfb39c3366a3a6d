/**
 * Opens the ports to the outside that the kinds declare, and calls them by name. Of a call the engine knows the
 * idempotency key and the last time to start it, nothing else (ARCHITECTURE.md section 5).
 */
import { valueOf, type SettingValues } from '../config/setting.ts';
import type { Clock } from '../kernel/clock.ts';
import { invariant } from '../kernel/invariant.ts';
import { messageOf } from '../kernel/errors.ts';
import type { OutsideCall } from '../kernel/decider.ts';
import type { OutsidePort, OutsideService } from './entity/outside-port.ts';
import type { Kinds } from './kinds.ts';

/** One implementation of each port. The port's setting names it. */
export function openPorts(kinds: Kinds, settings: SettingValues, clock: Clock): Map<string, OutsideService> {
  const services = new Map<string, OutsideService>();
  for (const [name, { setting, implementations }] of kinds.ports) {
    const open = implementations[valueOf(setting, settings)];
    invariant(open !== undefined, `${setting.name} names an implementation`);
    services.set(name, open(clock));
  }
  return services;
}

/** Calls ports with their time limits. */
export class OutsidePorts {
  readonly #clock: Clock;
  readonly #ports = new Map<string, OutsidePort & { readonly service: OutsideService }>();

  constructor(kinds: Kinds, services: ReadonlyMap<string, OutsideService>, clock: Clock) {
    this.#clock = clock;
    for (const [name, port] of kinds.ports) {
      const service = services.get(name);
      invariant(service !== undefined, `the port ${name} has an implementation`);
      this.#ports.set(name, { ...port, service });
    }
  }

  /** Rejects when the outcome is in doubt, with a reason for people. */
  call(name: string, call: OutsideCall): Promise<unknown> {
    const port = this.#ports.get(name);
    invariant(port !== undefined, `${name} is a port to the outside`);
    const { what, timeoutMs, service } = port;
    return new Promise((resolve, reject) => {
      const inDoubt = (error: unknown): void => {
        timer.cancel();
        reject(new Error(`a call of ${what} is in doubt: ${messageOf(error)}`, { cause: error }));
      };
      const timer = this.#clock.after(timeoutMs, () => inDoubt(new Error(`no answer within ${timeoutMs} ms`)));
      service.perform(call).then((outcome) => {
        timer.cancel();
        resolve(outcome);
      }, inDoubt);
    });
  }
}
