/** Owns `/openapi.json`: OpenAPI 3.1, made once from the operations and the schemas that parse the requests. */
import { z } from 'zod';
import { answerJsonText } from './answer.ts';
import type { Handler, PublicContext } from './edge-context.ts';
import { headersOf, isMutation, type OperationDefinition } from './operation-definition.ts';
import { problemKind, PROBLEMS, type ProblemCode, type ProblemKind, type ProblemName } from './problems.ts';
import { problemResponse } from './schemas/responses.ts';

type Json = Readonly<Record<string, unknown>>;

const HEADERS = {
  'Idempotency-Key': {
    description:
      '1 to 255 printable ASCII characters: the same key and body have one effect, however often they are sent.',
    schema: { type: 'string', minLength: 1, maxLength: 255 },
  },
  Prefer: {
    description: 'wait=N (1 to 30 seconds): answer once the order has settled.',
    schema: { type: 'string', examples: ['wait=5'] },
  },
  traceparent: {
    description: 'The trace that the command belongs to (W3C Trace Context); its events carry it on.',
    schema: { type: 'string', examples: ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'] },
  },
  'If-None-Match': {
    description:
      'To read: ETags that are known already (304). To change: what must not be there; "*": only where there is none (412).',
    schema: { type: 'string', examples: ['"v4"', '*'] },
  },
  'If-Match': {
    description: 'Change only what is at one of these ETags; "*": only what exists. Otherwise 412, nothing applied.',
    schema: { type: 'string', examples: ['"v4"', '*'] },
  },
} as const;

const PROBLEMS_OF_PROTECTED: readonly ProblemCode[] = [
  'unauthenticated',
  'forbidden',
  'rate_limited',
  'overloaded',
  'unavailable',
];
/** Of any request to any address: what HTTP itself has to say, and a defect of ours. */
export const PROBLEMS_OF_ALL: readonly ProblemCode[] = [
  'malformed_request',
  'method_not_allowed',
  'request_timeout',
  'payload_too_large',
  'expectation_failed',
  'header_fields_too_large',
  'internal',
  'not_implemented',
];
/** Its conditions may not hold, or not be readable. */
const PROBLEMS_OF_MUTATIONS: readonly ProblemCode[] = ['validation_failed', 'precondition_failed'];
const PROBLEMS_OF_BODIES: readonly ProblemCode[] = [
  'validation_failed',
  'malformed_json',
  'payload_too_large',
  'unsupported_media_type',
];

export function createOpenApi(
  operations: () => readonly OperationDefinition[],
  version: string,
): Handler<PublicContext> {
  let text: string | undefined;
  return (ctx) => {
    text ??= JSON.stringify(openApiDocument(operations(), version));
    answerJsonText(ctx, 200, text);
  };
}

function openApiDocument(operations: readonly OperationDefinition[], version: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const operation of operations) {
    const methods = (paths[operation.path] ??= {});
    methods[operation.method.toLowerCase()] = operationObject(operation);
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Holdfast', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      responses: { Problem: anyProblem() },
      schemas: componentSchemas(),
    },
  };
}

/** What a caller may get for an operation, beside success. */
export function problemsOf(operation: OperationDefinition): readonly ProblemKind[] {
  const names: ProblemName[] = [...(operation.problems ?? [])];
  if (operation.access !== 'public') names.push(...PROBLEMS_OF_PROTECTED);
  if (isMutation(operation)) names.push(...PROBLEMS_OF_MUTATIONS);
  if (operation.body !== undefined) names.push(...PROBLEMS_OF_BODIES);
  const hasVariables = operation.path.includes('{');
  if (operation.query !== undefined || hasVariables) names.push('validation_failed');
  return inOrder(names.map(problemKind));
}

/** Every problem that is described: those of the table, and what the operations bring. */
export function allProblems(operations: readonly OperationDefinition[]): readonly ProblemKind[] {
  return inOrder([...Object.values(PROBLEMS), ...operations.flatMap(problemsOf)]);
}

/** Each once, by status. */
function inOrder(kinds: readonly ProblemKind[]): readonly ProblemKind[] {
  return [...new Set(kinds)].sort((left, right) => left.status - right.status);
}

function operationObject(operation: OperationDefinition): Json {
  const { access, body, bodyOptional, example, id, summary } = operation;
  return {
    operationId: id,
    summary,
    tags: [tagOf(operation.path)],
    ...(access === 'public' ? {} : { security: [{ token: [] }], 'x-roles': rolesOf(access) }),
    parameters: parametersOf(operation),
    ...(body && {
      requestBody: {
        required: bodyOptional !== true,
        content: { 'application/json': { schema: schemaRef(body), example } },
      },
    }),
    responses: responsesOf(operation),
  };
}

/** What the operations of a page are grouped by: the collection that the path names. */
function tagOf(path: string): string {
  const collection = /^\/api\/v1\/([\w-]+)/.exec(path)?.[1] ?? (path.startsWith('/health/') ? 'health' : 'documents');
  return collection[0]!.toUpperCase() + collection.slice(1);
}

function rolesOf(access: OperationDefinition['access']): readonly string[] {
  return { public: [], any: ['customer', 'support', 'admin'], staff: ['support', 'admin'], admin: ['admin'] }[access];
}

function parametersOf(operation: OperationDefinition): Json[] {
  const { path, query } = operation;
  const headers = headersOf(operation);
  const variables = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const parameters = Object.entries(query?.shape ?? {}).map(([name, schema]) => ({
    name,
    in: 'query',
    schema: withoutIdentity(z.toJSONSchema(schema as z.ZodType, { io: 'output', unrepresentable: 'any' })),
  }));
  return [...variables, ...parameters, ...headers.map((name) => ({ name, in: 'header', ...HEADERS[name] }))];
}

function responsesOf(operation: OperationDefinition): Json {
  const responses: Record<string, Json> = {};
  for (const [status, { description, schema }] of Object.entries(operation.responses)) {
    responses[status] = {
      description,
      ...(schema && { content: { 'application/json': { schema: schemaRef(schema) } } }),
    };
  }
  for (const { code, status, title } of problemsOf(operation)) {
    const described = responses[status]?.['description'];
    responses[status] = {
      description: typeof described === 'string' ? `${described}; ${title} (${code})` : `${title} (${code})`,
      content: { 'application/problem+json': { schema: schemaRef(problemResponse) } },
    };
  }
  return { ...responses, default: { $ref: '#/components/responses/Problem' } };
}

/** What every operation refers to by `default`. */
function anyProblem(): Json {
  const list = PROBLEMS_OF_ALL.map((code) => `${PROBLEMS[code].status} ${code}`).join(', ');
  return {
    description: `What any request may get: ${list}.`,
    content: { 'application/problem+json': { schema: schemaRef(problemResponse) } },
  };
}

const pathOf = (id: string): string => `#/components/schemas/${id}`;

function schemaRef(schema: z.ZodType): Json {
  return { $ref: pathOf(String(z.globalRegistry.get(schema)?.id)) };
}

/**
 * Every schema that has a name, in alphabetical order: the order in which files are loaded must not show. Requests are
 * described as they are sent: with optional members for defaults.
 */
function componentSchemas(): Json {
  const { schemas } = z.toJSONSchema(z.globalRegistry, { io: 'input', unrepresentable: 'any', uri: pathOf });
  const names = Object.keys(schemas).sort();
  return Object.fromEntries(names.map((name) => [name, withoutIdentity(schemas[name]!)]));
}

/** In an OpenAPI document the place of a schema is its name. */
function withoutIdentity(schema: Json): Json {
  const { $schema: _dialect, $id: _id, id: _name, ...rest } = schema;
  return rest;
}
