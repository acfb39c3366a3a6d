/**
 * Answers where there is no route: the router's own findings (404, 405, and 200 to OPTIONS) in the form of every other
 * refusal, and addresses that can't be read.
 */
import type { Middleware } from 'koa';
import { invalidInput } from '../parse-input.ts';
import { Problem } from '../problems.ts';
import { screenText } from '../text-screen.ts';

/**
 * Must stand before the router, which passes on undecodable parts unchanged: a product called "%ff" is not the same as
 * the byte.
 */
export const refuseUnreadablePath: Middleware = (ctx, next) => {
  if (isReadable(ctx)) return next();
  const detail = 'is not well-formed UTF-8 in percent-encoding';
  throw invalidInput([{ pointer: '', code: 'ill_formed_text', detail }], 'The path');
};

/** Must stand between the router's routes and its `allowedMethods`, whose Allow header says what it found. */
export const refuseUnrouted: Middleware = async (ctx, next) => {
  await next();
  // Its type calls an absent header an empty text; it is none.
  const allow = ctx.response.get('Allow') as string | undefined;
  if (allow === undefined) throw new Problem('not_found', 'There is nothing at this path; see /docs.');
  throw new Problem('method_not_allowed', `Allowed here: ${allow}.`);
};

function isReadable(ctx: { readonly path: string | null }): boolean {
  try {
    // Throws where the target is no address, like `http://[/`; null where it is one without a path.
    const { path } = ctx;
    if (path?.includes('%') === true) screenText(decodeURIComponent(path), '');
    return true;
  } catch {
    return false;
  }
}
