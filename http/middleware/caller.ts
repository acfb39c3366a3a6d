/** Owns the steps that ask who is calling and whether that role may: the authenticator and the table decide. */
import type { Middleware } from 'koa';
import type { Authenticator } from '../authenticator.ts';
import type { CallerState } from '../edge-context.ts';
import type { Access } from '../operations.ts';
import { Problem } from '../problems.ts';

type Step = Middleware<CallerState>;

export function authenticate(authenticator: Authenticator): Step {
  return (ctx, next) => {
    const known = authenticator.authenticate(ctx.headers.authorization);
    // A token that was verified before costs no wait.
    if (!(known instanceof Promise)) {
      ctx.state.principal = known;
      return next();
    }
    return known.then((principal) => {
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
