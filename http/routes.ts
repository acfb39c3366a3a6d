/** Owns the way from the list of operations to Koa's router: which steps a request takes to its handler. */
import { METHODS } from 'node:http';
import Router, { type RouterMiddleware } from '@koa/router';
import { rememberPlainPaths } from '../patched/koa-router-match.ts';
import type { CallerState } from './edge-context.ts';
import type { EdgeServices } from './edge-services.ts';
import type { Access, OperationDefinition } from './operation-definition.ts';

type NoContext = Record<never, never>;
type OperationRouter = Router<CallerState, NoContext>;
export type Step = RouterMiddleware<CallerState, NoContext>;

/** The steps before the handler of an operation that is not public. */
export type StepsTo = (access: Exclude<Access, 'public'>) => readonly Step[];

/**
 * Paths are compared as they were sent, so an encoded slash stays within its segment; the router decodes the variables.
 * Where two patterns fit, the one with fewer variables has it: a product may be called "batch". HEAD finds what GET
 * finds.
 */
export function createRoutes(
  operations: readonly OperationDefinition[],
  services: EdgeServices,
  stepsTo: StepsTo,
): OperationRouter {
  const router: OperationRouter = new Router<CallerState, NoContext>({
    exclusive: 'specificity',
    // A method that no operation has is one that is not allowed: 405, never 501.
    methods: METHODS,
    sensitive: true,
    strict: true,
  });
  for (const operation of operations) {
    const { id, method, path } = operation;
    const steps =
      operation.access === 'public'
        ? [operation.handler(services)]
        : [...stepsTo(operation.access), operation.handler(services)];
    router[VERBS[method]](id, patternOf(path), ...steps);
  }
  rememberPlainPaths(router);
  return router;
}

const VERBS = { GET: 'get', POST: 'post', PUT: 'put', DELETE: 'delete' } as const;

/** `/orders/{orderId}` as the router writes it. */
function patternOf(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}
