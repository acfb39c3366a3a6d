/** The products of a run, and the orders that customers make of them. */
import type { Random } from '../random.ts';
import { noTally, type OrderedLine, type WantedOrder } from './history.ts';

const PRODUCTS = 50;
/** The first ones: a large part of all lines orders them. */
const HOT_PRODUCTS = 4;
const HOT_SHARE = 0.3;
/** The last ones: they run out, and are filled up a little now and then. */
const SCARCE_PRODUCTS = 5;
const SCARCE_ON_HAND = 40;
const PLENTY_ON_HAND = 1_000_000;
const SCARCE_STEP = 15;
const PLENTY_STEP = 1_000;
const CUSTOMERS = 40;
const LINES_MAX = 3;
const QUANTITY_MAX = 4;
const RETRYING_SHARE = 0.75;

/** Of a thousand orders. */
const TOKENS: readonly (readonly [token: string, share: number])[] = [
  ['tok_decline', 60],
  ['tok_drop', 60],
  ['tok_capture_fail', 50],
  ['tok_slow', 15],
];

export const CUSTOMER_NAMES = Array.from({ length: CUSTOMERS }, (_, index) => `chaos-customer-${index}`);
export const PRODUCT_IDS = Array.from({ length: PRODUCTS }, (_, index) => `CHAOS-${String(index).padStart(2, '0')}`);

const isScarce = (index: number): boolean => index >= PRODUCTS - SCARCE_PRODUCTS;

export function openingStock(): { readonly productId: string; readonly onHand: number }[] {
  return PRODUCT_IDS.map((productId, index) => ({
    productId,
    onHand: isScarce(index) ? SCARCE_ON_HAND : PLENTY_ON_HAND,
  }));
}

/** How much more a product is set to than the last time; never 0, so that every setting is another one. */
export function stepOf(productId: string): number {
  return isScarce(PRODUCT_IDS.indexOf(productId)) ? SCARCE_STEP : PLENTY_STEP;
}

export function makeOrder(reference: string, random: Random): WantedOrder {
  return {
    reference,
    customer: random.pick(CUSTOMER_NAMES),
    token: tokenOf(random),
    lines: linesOf(random),
    retries: random.chance(RETRYING_SHARE),
    placing: noTally(),
    cancelling: noTally(),
    orderIds: [],
    versionSeen: 0,
  };
}

function linesOf(random: Random): OrderedLine[] {
  return Array.from({ length: random.whole(1, LINES_MAX) }, () => {
    const index = random.chance(HOT_SHARE) ? random.whole(0, HOT_PRODUCTS - 1) : random.whole(0, PRODUCTS - 1);
    return { productId: PRODUCT_IDS[index]!, quantity: random.whole(1, QUANTITY_MAX), unitPrice: 100 + index };
  });
}

function tokenOf(random: Random): string {
  let rest = random.next() * 1000;
  for (const [token, share] of TOKENS) {
    if (rest < share) return token;
    rest -= share;
  }
  return 'tok_visa';
}
