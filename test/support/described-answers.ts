/**
 * Holds every answer that a test of the edge gets against the API's description: a status, or a problem's code, that
 * the operation does not list fails the test that met it.
 */
import type { OperationDefinition } from '../../http/operation-definition.ts';
import { PROBLEMS_OF_ALL, problemsOf } from '../../http/openapi.ts';
import { PROBLEMS, type ProblemKind } from '../../http/problems.ts';

interface Answered {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** @throws Error naming the operation and the answer that its description lacks. */
type RequireDescribed = (method: string, path: string, answered: Answered) => void;

export function describedAnswers(operations: readonly OperationDefinition[]): RequireDescribed {
  // By method: operations whose path has the fewest variables come first, as in the router.
  const patterns = operations
    .map((operation) => ({
      operation,
      pattern: patternOf(operation.path),
      variables: operation.path.split('{').length,
    }))
    .sort((left, right) => left.variables - right.variables);
  return (method, path, { status, body }) => {
    const asked = method === 'HEAD' ? 'GET' : method;
    const address = path.split('?', 1)[0]!;
    const found = patterns.find(({ operation, pattern }) => operation.method === asked && pattern.test(address));
    if (found === undefined || status in found.operation.responses) return;
    const code = body['code'];
    // HEAD is answered without a body.
    const isIt = (problem: ProblemKind): boolean =>
      code === undefined && method === 'HEAD' ? problem.status === status : problem.code === code;
    if (problemsOf(found.operation).some(isIt) || PROBLEMS_OF_ALL.some((name) => isIt(PROBLEMS[name]))) return;
    throw new Error(
      `${found.operation.method} ${found.operation.path} answered ${status} ${String(code)}: not in its OpenAPI`,
    );
  };
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`);
}
