/**
 * The product that a node with an embedded database stocks at its first start, so that the documents' examples work
 * unchanged.
 */

export const DEMO_PRODUCT_ID = 'DEMO-MUG';
export const DEMO_ON_HAND = 1_000_000;
