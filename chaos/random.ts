/**
 * Random numbers: every choice of a run comes from one of these, made of the run's seed and a purpose. Purposes are
 * independent: the load's draws can't change which faults come.
 */
import { mulberry32 } from '../kernel/mulberry32.ts';

export interface Random {
  /** In [0, 1). */
  next(): number;
  /** In [min, max). */
  between(min: number, max: number): number;
  /** A whole number from min to max. */
  whole(min: number, max: number): number;
  chance(probability: number): boolean;
  /** @throws RangeError for an empty list */
  pick<T>(items: readonly T[]): T;
  /** A new list in another order. */
  shuffled<T>(items: readonly T[]): T[];
}

export const SEED_MAX = 0xffff_ffff;

export function seededRandom(seed: number, purpose: string): Random {
  const next = mulberry32((seed ^ hashOf(purpose)) | 0);
  const whole = (min: number, max: number): number => min + Math.floor(next() * (max - min + 1));
  return {
    next,
    between: (min, max) => min + next() * (max - min),
    whole,
    chance: (probability) => next() < probability,
    pick: <T>(items: readonly T[]): T => {
      if (items.length === 0) throw new RangeError('nothing to pick from');
      return items[Math.floor(next() * items.length)]!;
    },
    shuffled: <T>(items: readonly T[]): T[] => {
      const list = [...items];
      for (let last = list.length - 1; last > 0; last--) {
        const other = whole(0, last);
        [list[last], list[other]] = [list[other]!, list[last]!];
      }
      return list;
    },
  };
}

/** FNV-1a (Fowler, Noll, Vo; public domain): short texts to 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const char of text) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193);
  return hash;
}
