/**
 * The restart window: so many restarts within a span of time are an accident; more are a fault that restarting won't
 * mend. Pure; after Erlang/OTP's supervisor (add_restart).
 */

export interface RestartLimit {
  readonly restartsMax: number;
  readonly windowMs: number;
}

/** Moments of the restarts that still count, oldest first, in monotonic ms. */
export type RestartWindow = readonly number[];

/** Adds a restart at `nowMs`; `exceeded` if it is one too many. */
export function addRestart(
  window: RestartWindow,
  nowMs: number,
  { restartsMax, windowMs }: RestartLimit,
): { readonly window: RestartWindow; readonly exceeded: boolean } {
  const within = [...window.filter((at) => nowMs - at < windowMs), nowMs];
  return { window: within, exceeded: within.length > restartsMax };
}
