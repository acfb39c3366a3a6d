/** Asks and answers for tests of transports, and one word for an answer. */
import type { Answer, Ask, ShardAnswer } from '../../runtime/ask.ts';

export const command = (name = 'a', timeoutMs = 10_000): Ask => ({
  to: `stk_${name}`,
  command: { type: 'Do' },
  commandId: name,
  until: 'durable',
  timeoutMs,
});
export const read = (name = 'a', timeoutMs = 10_000): Ask => ({
  to: `stk_${name}`,
  commandId: '',
  until: 'durable',
  timeoutMs,
});
export const done = (value: unknown): Answer => ({
  kind: 'done',
  value,
  replayed: false,
  version: 1,
  origin: { shard: 0, seq: 1 },
});

export const codeOf = (answer: ShardAnswer): string => {
  if (answer.kind === 'elsewhere') return `elsewhere, applied ${answer.applied}`;
  return answer.kind === 'failed' ? answer.code : answer.kind;
};
