/** Why Koa's router is patched. Where the first of these fails, the patch can go. */
import { expect } from 'chai';
import Router from '@koa/router';
import { rememberPlainPaths } from './koa-router-match.ts';

describe('the router’s match', () => {
  /** @returns how often a pattern was tried for these paths. */
  const triesFor = (isPatched: boolean, ...paths: string[]): number => {
    const router = new Router();
    router.get('/orders', () => undefined);
    router.get('/orders/:orderId', () => undefined);
    let tries = 0;
    for (const layer of router.stack) {
      const match = layer.match.bind(layer);
      layer.match = (path) => (tries++, match(path));
    }
    if (isPatched) rememberPlainPaths(router);
    for (const path of paths) expect(router.match(path, 'GET').route, path).to.equal(true);
    return tries;
  };

  it('tries all patterns at each request, unless it is patched', () => {
    expect(triesFor(false, '/orders', '/orders')).to.equal(4);
    expect(triesFor(true, '/orders', '/orders')).to.equal(2);
  });

  it('remembers no path with variables: there is no end of them', () => {
    expect(triesFor(true, '/orders/1', '/orders/1')).to.equal(4);
  });
});
