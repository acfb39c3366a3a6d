/** UUIDs (RFC 9562): v7 in time order for new ids, v5 for ids that must be the same each time. */
import { hash, randomFillSync } from 'node:crypto';
import type { EpochMs } from './clock.ts';

const RANDOM_POOL_BYTES = 4096;
const RANDOM_BYTES_PER_ID = 10;
const NAMESPACE_BYTES = 16;
const pool = Buffer.alloc(RANDOM_POOL_BYTES);
let poolOffset = RANDOM_POOL_BYTES;

/** A UUID whose first 48 bits are `at`, so that consecutive ids lie side by side in an index. */
export function uuidV7(at: EpochMs): string {
  if (poolOffset + RANDOM_BYTES_PER_ID > RANDOM_POOL_BYTES) {
    randomFillSync(pool);
    poolOffset = 0;
  }
  const random = pool.toString('hex', poolOffset, poolOffset + RANDOM_BYTES_PER_ID);
  const variant = ((pool[poolOffset + 2]! & 0x3f) | 0x80).toString(16);
  poolOffset += RANDOM_BYTES_PER_ID;
  const time = at.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8, 12)}-7${random.slice(0, 3)}-${variant}${random.slice(6, 8)}-${random.slice(8, 20)}`;
}

/** The UUID of `name` in `namespace` (itself a UUID): always the same. */
export function uuidV5(namespace: string, name: string): string {
  const named = Buffer.alloc(NAMESPACE_BYTES + Buffer.byteLength(name));
  named.write(namespace.replaceAll('-', ''), 'hex');
  named.write(name, NAMESPACE_BYTES);
  const bytes = hash('sha1', named, 'buffer').subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x50;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** True for a UUID in its canonical lower-case form. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}
