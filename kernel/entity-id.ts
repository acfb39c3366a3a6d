/**
 * Entity ids: a prefix that names the kind, then the routing key, which decides the shard. Entities of several kinds
 * with one routing key live in one shard. Which prefixes there are: runtime/kinds.ts.
 */
export const PREFIX_LENGTH = 4;

export function prefixOf(entityId: string): string {
  return entityId.slice(0, PREFIX_LENGTH);
}

export function routingKeyOf(entityId: string): string {
  return entityId.slice(PREFIX_LENGTH);
}

/** Begins the "entity" of an epoch row: such a row belongs to its shard, and to no kind. */
export const EPOCH_ENTITY_PREFIX = 'shd_';
