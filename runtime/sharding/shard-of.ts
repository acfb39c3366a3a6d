/**
 * Which shard an entity belongs to. The function, its name and the number of shards are written into the database by
 * the first start and never change: a node that differs refuses to start.
 */

export const SHARD_HASH = 'fnv1a32-avalanche';

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

export function shardOf(routingKey: string, shards: number): number {
  return hash32(routingKey) % shards;
}

/** 32-bit FNV-1a over the UTF-16 code units, finished with MurmurHash3's avalanche so that low bits are even. */
export function hash32(text: string): number {
  let hash = FNV_OFFSET;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), FNV_PRIME);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
