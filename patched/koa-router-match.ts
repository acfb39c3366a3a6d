/**
 * Koa's router tries all its patterns at each request. Here it remembers where a path without variables leads, such as
 * that of `POST /api/v1/orders`. Only paths that a pattern spells out are kept, so they are few.
 */
import type Router from '@koa/router';
import type { MatchResult } from '@koa/router';
import type { PatchedPackage } from './patched-package.ts';

export const KOA_ROUTER: PatchedPackage = {
  name: '@koa/router',
  version: '15.7.0',
  test: 'patched/koa-router-match.unit.spec.ts',
};

/** To be called once all routes are there. */
export function rememberPlainPaths<State, Context>(router: Router<State, Context>): void {
  const known = new Map<string, MatchResult<State, Context>>();
  const match = router.match.bind(router);
  router.match = (path, method) => {
    const request = `${method} ${path}`;
    const before = known.get(request);
    if (before) return before;
    const matched = match(path, method);
    if (matched.path.some((layer) => layer.path === path)) known.set(request, matched);
    return matched;
  };
}
