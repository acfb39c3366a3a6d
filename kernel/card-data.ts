/**
 * Defines which parts of a JSON value may not hold a card number: every text but article numbers (they may look like
 * one), every name of a member, and every number.
 */
import { holdsCardNumber } from './card-numbers.ts';
import { walkJson, type Place } from './json-texts.ts';

const MAY_LOOK_LIKE_ONE = 'productId';
/** 13 digits: no amount and no quantity is larger. */
const CARD_NUMBER_MIN = 1e12;

export function isCardText(text: string, place: Place | undefined): boolean {
  return place?.name !== MAY_LOOK_LIKE_ONE && holdsCardNumber(text);
}

export function isCardNumber(value: number): boolean {
  return Math.abs(value) >= CARD_NUMBER_MIN && Number.isSafeInteger(value) && holdsCardNumber(String(Math.abs(value)));
}

/** True when any part of it holds one. */
export function holdsCardData(value: unknown): boolean {
  return walkJson(value, { text: isCardText, name: (name) => holdsCardNumber(name), number: isCardNumber });
}
