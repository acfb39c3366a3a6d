/** Owns the list of all operations of an edge: those that the kinds of actors bring, and the node's own behind them. */
import type { OperationDefinition } from './operation-definition.ts';
import { allProblems } from './openapi.ts';
import { ownOperations, type Described } from './own-operations.ts';

/**
 * @param described what the documents describe besides them.
 * @throws Error where two operations share an id or an address, or two problems a code: one would hide the other.
 */
export function composeOperations(
  ofActors: readonly OperationDefinition[],
  described: Described,
): readonly OperationDefinition[] {
  const operations: readonly OperationDefinition[] = [...ofActors, ...ownOperations(() => operations, described)];
  refuseDoubles(operations);
  return operations;
}

function refuseDoubles(operations: readonly OperationDefinition[]): void {
  const ids = new Set<string>();
  const idsByAddress = new Map<string, string>();
  for (const { id, method, path } of operations) {
    if (ids.has(id)) throw new Error(`two operations have the id "${id}"`);
    ids.add(id);
    const address = `${method} ${path.replaceAll(/\{\w+\}/g, '{}')}`;
    const other = idsByAddress.get(address);
    if (other !== undefined) throw new Error(`the operations "${other}" and "${id}" both serve ${method} ${path}`);
    idsByAddress.set(address, id);
  }
  const codes = new Set<string>();
  for (const { code } of allProblems(operations)) {
    if (codes.has(code)) throw new Error(`two problems have the code "${code}"`);
    codes.add(code);
  }
}
