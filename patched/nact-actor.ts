/**
 * nact's own object behind a reference. A reference looks up the path from the root at each message, and nact makes a
 * context, with a copy of the map of children, for each message of an actor: both cost more than most handlers.
 */
import type { PatchedPackage } from './patched-package.ts';

export const NACT: PatchedPackage = { name: 'nact', version: '7.6.2', test: 'patched/nact-actor.unit.spec.ts' };

export interface NactActor {
  dispatch(message: unknown, sender: unknown): void;
  /**
   * What runs next. nact keeps it after it has run, and Node links immediates that were set together: one that is kept
   * keeps all that ran after it. Clear it in the handler.
   */
  immediate: unknown;
}

interface Internals extends NactActor {
  createContext: () => unknown;
}

/**
 * @param self nact hands it to its options as `this`.
 * @param context the one that each handler is given from now on: a leaf's stays the same.
 */
export function withOneContext(self: unknown, context: unknown): NactActor {
  const actor = self as Internals;
  actor.createContext = () => context;
  return actor;
}
