/**
 * What an operation of the edge is, as data: address, who may, what goes in, what comes out, and its handler. The routes,
 * the checks of roles and the OpenAPI document are all made from it, so none can differ from the others. Each kind of
 * actor brings its own operations; http/ has those of the node itself (own-operations.ts).
 */
import type { z } from 'zod';
import type { Handler, PublicContext } from './edge-context.ts';
import type { EdgeServices } from './edge-services.ts';
import type { ProblemName } from './problems.ts';

/** `any`: every role. `staff`: support and admin. */
export type Access = 'public' | 'any' | 'staff' | 'admin';

type RequestHeader = 'Idempotency-Key' | 'Prefer' | 'If-Match' | 'If-None-Match' | 'traceparent';

interface DescribedOperation {
  /** Names it in OpenAPI and in the router; unique. */
  readonly id: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Variable segments in braces. */
  readonly path: string;
  readonly summary: string;
  readonly body?: z.ZodType;
  /** A body that can be sent as it is, on a node with the demo product. */
  readonly example?: unknown;
  /** Absent beside `body`: the body is required. */
  readonly bodyOptional?: true;
  readonly query?: z.ZodObject;
  /** Request headers that this operation understands, beside Authorization and Request-Id, and those of every mutation. */
  readonly headers?: readonly RequestHeader[];
  readonly responses: Readonly<Record<number, { readonly description: string; readonly schema?: z.ZodType }>>;
  /** Beside those of every operation. */
  readonly problems?: readonly ProblemName[];
  /** Machines ask for it every few seconds: its requests are logged at debug level. */
  readonly isPolled?: true;
}

interface PublicOperation extends DescribedOperation {
  readonly access: 'public';
  /** Called once for each edge. */
  readonly handler: (services: EdgeServices) => Handler<PublicContext>;
}

interface ProtectedOperation extends DescribedOperation {
  readonly access: Exclude<Access, 'public'>;
  /** Called once for each edge. */
  readonly handler: (services: EdgeServices) => Handler;
}

export type OperationDefinition = PublicOperation | ProtectedOperation;

export function defineOperation(definition: OperationDefinition): OperationDefinition {
  return definition;
}

/** It changes something, so it honours conditions: see command-source.ts. */
export const isMutation = ({ access, method }: OperationDefinition): boolean => access !== 'public' && method !== 'GET';

const CONDITIONS = ['If-Match', 'If-None-Match'] as const;

export function headersOf(operation: OperationDefinition): readonly RequestHeader[] {
  const { headers = [] } = operation;
  return isMutation(operation) ? [...headers, ...CONDITIONS] : headers;
}
