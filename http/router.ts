/**
 * Owns the way from a method and a path to an operation. Paths are compared segment by segment, undecoded, so that an
 * encoded slash stays within its segment. Paths without variables are found in one look-up.
 */
import type { Operation } from './operations.ts';
import { Problem } from './problems.ts';
import { invalidInput } from './parse-input.ts';
import { screenText } from './text-screen.ts';

export interface Match<Target> {
  readonly target: Target;
  /** Decoded. */
  readonly params: readonly string[];
}

export interface Router<Target> {
  /** HEAD finds what GET finds. @throws Problem not_found, method_not_allowed (with Allow), validation_failed. */
  match(method: string, path: string): Match<Target>;
}

interface Node<Target> {
  readonly segments: readonly string[];
  readonly byMethod: Map<string, Target>;
}

const NO_PARAMS: readonly string[] = [];
/** More than any pattern has. */
const SEGMENTS_MAX = 12;
const isVariable = (segment: string): boolean => segment.startsWith('{');

/** Where two patterns fit, the one with fewer variables wins. */
export function createRouter<Target>(
  routes: readonly { readonly operation: Pick<Operation, 'method' | 'path'>; readonly target: Target }[],
): Router<Target> {
  const fixed = new Map<string, Node<Target>>();
  const variable: Node<Target>[] = [];
  for (const { operation, target } of routes) {
    const segments = operation.path.split('/');
    const known = fixed.get(operation.path) ?? variable.find((node) => node.segments.join('/') === operation.path);
    const node = known ?? { segments, byMethod: new Map<string, Target>() };
    if (known === undefined) {
      if (segments.some(isVariable)) variable.push(node);
      else fixed.set(operation.path, node);
    }
    node.byMethod.set(operation.method, target);
    if (operation.method === 'GET') node.byMethod.set('HEAD', target);
  }
  variable.sort((left, right) => left.segments.filter(isVariable).length - right.segments.filter(isVariable).length);

  return {
    match(method, path) {
      const exact = fixed.get(path);
      const target = exact?.byMethod.get(method);
      if (target !== undefined) return { target, params: NO_PARAMS };
      // A product may be called "batch": where the exact path does not take the method, a pattern may.
      const allowed = new Set(exact?.byMethod.keys());
      const segments = path.split('/', SEGMENTS_MAX);
      for (const node of variable) {
        const params = paramsOf(node.segments, segments);
        if (params === undefined) continue;
        const found = node.byMethod.get(method);
        if (found !== undefined) return { target: found, params: params.map(decoded) };
        for (const other of node.byMethod.keys()) allowed.add(other);
      }
      if (allowed.size === 0) throw new Problem('not_found', 'There is nothing at this path; see /docs.');
      const allow = [...allowed].join(', ');
      throw new Problem('method_not_allowed', `Allowed here: ${allow}.`, { headers: { Allow: allow } });
    },
  };
}

/** The undecoded variables, or undefined where the pattern does not fit. */
function paramsOf(pattern: readonly string[], segments: readonly string[]): string[] | undefined {
  if (pattern.length !== segments.length) return undefined;
  const params: string[] = [];
  for (let index = 0; index < pattern.length; index++) {
    const expected = pattern[index] ?? '';
    const segment = segments[index] ?? '';
    if (isVariable(expected)) {
      if (segment === '') return undefined;
      params.push(segment);
    } else if (expected !== segment) {
      return undefined;
    }
  }
  return params;
}

function decoded(segment: string): string {
  let text: string;
  try {
    text = decodeURIComponent(segment);
  } catch {
    throw invalidInput([
      { pointer: '', code: 'ill_formed_text', detail: 'has a path that is not UTF-8 in percent-encoding' },
    ]);
  }
  screenText(text, '');
  return text;
}
