/** Owns the way from the table of operations to Koa's router: which steps a request takes to its handler. */
import { METHODS } from 'node:http';
import Router, { type RouterMiddleware } from '@koa/router';
import type { CallerState } from './edge-context.ts';
import type { Handlers } from './handlers.ts';
import {
  OPERATIONS,
  type Access,
  type Operation,
  type ProtectedOperationId,
  type PublicOperationId,
} from './operations.ts';

export type Step = RouterMiddleware<CallerState, Record<never, never>>;

/** The steps before the handler of an operation that is not public. */
export type StepsTo = (access: Exclude<Access, 'public'>) => readonly Step[];

/**
 * Paths are compared as they were sent, so an encoded slash stays within its segment; the router decodes the variables.
 * Where two patterns fit, the one with fewer variables has it: a product may be called "batch". HEAD finds what GET
 * finds.
 */
export function createRoutes(handlers: Handlers, stepsTo: StepsTo): Router<CallerState, Record<never, never>> {
  const router = new Router<CallerState, Record<never, never>>({
    exclusive: 'specificity',
    // A method that no operation has is one that is not allowed: 405, never 501.
    methods: METHODS,
    sensitive: true,
    strict: true,
  });
  for (const [id, operation] of Object.entries<Operation>(OPERATIONS)) {
    const { access, method, path } = operation;
    const steps =
      access === 'public'
        ? [handlers.public[id as PublicOperationId]]
        : [...stepsTo(access), handlers.protected[id as ProtectedOperationId]];
    router[VERBS[method]](id, patternOf(path), ...steps);
  }
  return router;
}

const VERBS = { GET: 'get', POST: 'post', PUT: 'put', DELETE: 'delete' } as const;

/** `/orders/{orderId}` as the router writes it. */
function patternOf(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}
