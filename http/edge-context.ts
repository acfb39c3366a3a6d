/**
 * Owns what a handler is given: Koa's context, with what the middlewares before it have put into its state. Koa keeps
 * nothing else of ours: what all requests share is in edge-services.ts.
 */
import type { ParameterizedContext } from 'koa';
import type { Principal } from './authenticator.ts';

/** Of every request. */
export interface RequestState {
  requestId: string;
}

/** Behind authenticate (middleware/caller.ts). */
export interface CallerState extends RequestState {
  principal: Principal;
}

/**
 * Without the router's own members but `params`, and without Koa's default, that would let every misspelt name pass as
 * `any`.
 */
interface Routed {
  /** The variables of the path, decoded, by their names. */
  params: Record<string, string>;
}

export type PublicContext = ParameterizedContext<RequestState, Routed>;
export type CallerContext = ParameterizedContext<CallerState, Routed>;

/** Puts the answer into the context. @throws Problem, which becomes the answer; anything else is answered as `internal`. */
export type Handler<Context extends PublicContext = CallerContext> = (ctx: Context) => void | Promise<void>;
