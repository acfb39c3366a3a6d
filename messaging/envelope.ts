/** What travels between workers. Plain JSON; a frame carries many of them. */
import type { Ask, ShardAnswer } from '../runtime/ask.ts';

/** `id` is the sender's, and comes back with the answer. */
export type Envelope =
  | { readonly kind: 'ask'; readonly id: number; readonly internal: boolean; readonly ask: Ask }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: ShardAnswer };
