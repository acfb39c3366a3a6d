/** What travels between workers. Plain JSON; a frame carries many of them. */
import type { Answer, Ask } from '../actors/ask.ts';
import type { WorkerSlot } from '../actors/sharding/peers.ts';

/** `id` is the sender's, and comes back with the answer. */
export type Envelope =
  | { readonly kind: 'ask'; readonly id: number; readonly internal: boolean; readonly ask: Ask }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: Answer }
  /** The receiver doesn't own the entity's shard; it names who does, as far as it knows. */
  | { readonly kind: 'moved'; readonly id: number; readonly owner: WorkerSlot };
