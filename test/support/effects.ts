/** Effects by their kind, for specs that look into them. */
import type { CallOut, Effect, Send } from '../../kernel/decider.ts';

export const sendsOf = (effects: readonly Effect[]): Send[] => effects.filter((effect) => effect.kind === 'send');
export const callsOf = (effects: readonly Effect[]): CallOut[] => effects.filter((effect) => effect.kind === 'call');
