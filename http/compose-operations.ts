/** Owns the list of all operations of an edge: those that the kinds of actors bring, and the node's own behind them. */
import type { OperationDefinition } from './operation-definition.ts';
import { ownOperations } from './own-operations.ts';

/** @throws Error where two operations share an id or an address: one would hide the other. */
export function composeOperations(ofActors: readonly OperationDefinition[]): readonly OperationDefinition[] {
  const operations: readonly OperationDefinition[] = [...ofActors, ...ownOperations(() => operations)];
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
  return operations;
}
