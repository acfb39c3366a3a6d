/** What travels between the simulated entities and the provider, and how a trace shows it. */
import type { CallOut, Effect, GatherAnswer, Send } from '../../../kernel/decider.ts';

/** Which ask of which gather an answer belongs to: a gather that has ended takes no answers. */
export interface GatherSlot {
  readonly gatherId: number;
  readonly index: number;
}

export type Message =
  | {
      readonly kind: 'ask';
      readonly from: string;
      readonly to: string;
      readonly effect: Send;
      readonly slot?: GatherSlot;
    }
  | { readonly kind: 'call'; readonly from: string; readonly to: string; readonly effect: CallOut }
  | {
      readonly kind: 'answer';
      readonly from: string;
      readonly to: string;
      readonly effect: Effect;
      readonly answer: GatherAnswer;
      readonly slot?: GatherSlot;
    };

export type SendMessage = (message: Message) => void;

export function describeMessage({ kind, from, to, ...rest }: Message): string {
  const what =
    'answer' in rest
      ? describeAnswer(rest.answer)
      : JSON.stringify(rest.effect.kind === 'call' ? rest.effect.call : rest.effect.command);
  return `${kind} ${rest.effect.key} ${from} -> ${to}: ${what}`;
}

function describeAnswer(answer: GatherAnswer): string {
  if (answer.kind === 'rejected') return `rejected ${JSON.stringify(answer.refusal)}`;
  const value = answer.value as { readonly status?: string } | null;
  return value?.status ?? JSON.stringify(value);
}
