/** The steps that find out who is calling and whether that role may: the authenticator and the table decide. */
import type { Middleware } from 'koa';
import type { Authenticator, Principal } from '../authenticator.ts';
import type { CallerState } from '../edge-context.ts';
import type { Access } from '../operation-definition.ts';
import { Problem } from '../problems.ts';
import { tooManyRequests, type Slots } from '../unfinished-bodies.ts';

type Step = Middleware<CallerState>;

/** A request with an unknown token takes no place among the handled ones until its caller is known. */
export function authenticate(authenticator: Authenticator, slots: Slots): Step {
  async function verified(caller: Promise<Principal>): Promise<Principal> {
    let hasRoom: boolean;
    let principal: Principal;
    slots.pause();
    try {
      principal = await caller;
    } finally {
      hasRoom = slots.resume();
    }
    if (!hasRoom) throw tooManyRequests();
    return principal;
  }

  return (ctx, next) => {
    const known = authenticator.authenticate(ctx.headers.authorization, ctx.req.socket);
    // A token that was verified before costs no wait.
    if (!(known instanceof Promise)) {
      ctx.state.principal = known;
      return next();
    }
    return verified(known).then((principal) => {
      ctx.state.principal = principal;
      return next();
    });
  };
}

const permitStaff: Step = (ctx, next) => {
  if (ctx.state.principal.role !== 'customer') return next();
  throw new Problem('forbidden', 'This is for the roles support and admin.');
};

const permitAdmin: Step = (ctx, next) => {
  if (ctx.state.principal.role === 'admin') return next();
  throw new Problem('forbidden', 'This is for the role admin.');
};

/** No step where every role may. */
export function permit(access: Exclude<Access, 'public'>): readonly Step[] {
  return { any: [], staff: [permitStaff], admin: [permitAdmin] }[access];
}
