/**
 * The stock that a replay begins with: exactly the units that the file's orders want, or those of the caller's own file
 * (CSV `productId,onHand`). A product that such a file doesn't name gets the units that the orders want.
 */
import { readCsv, refuseCell } from './csv-file.ts';
import type { RetailFile } from './retail-file.ts';
import { unitsWanted } from './simulate-stock.ts';

export interface OpeningStock {
  readonly onHand: ReadonlyMap<string, number>;
  /** Of the content that the stock was made from, so that a file seeds once, however often it is replayed. */
  readonly hash: string;
  readonly fromStockFile: boolean;
}

const UNITS = /^\d{1,13}$/;
const ON_HAND_MAX = 1_000_000_000_000;

/** @throws CommandError naming line and column of what can't be read. */
export async function openingStock(file: RetailFile, stockFile: string | undefined): Promise<OpeningStock> {
  const onHand = unitsWanted(file.orders);
  if (stockFile === undefined) return { onHand, hash: file.hash, fromStockFile: false };
  const named = new Set<string>();
  const stockHash = await readCsv(
    stockFile,
    ['productId', 'onHand'],
    ({ line, cells: [productId = '', units = ''] }) => {
      if (productId === '') refuseCell(stockFile, line, 'productId', 'is blank.');
      if (named.has(productId)) refuseCell(stockFile, line, 'productId', `"${productId}" stands there twice.`);
      if (!UNITS.test(units) || Number(units) > ON_HAND_MAX)
        refuseCell(stockFile, line, 'onHand', `"${units.slice(0, 40)}" is no whole number from 0 to 10^12.`);
      named.add(productId);
      onHand.set(productId, Number(units));
    },
  );
  // Both files: what the stock file leaves out comes from the orders.
  return { onHand, hash: `${file.hash.slice(0, 32)}${stockHash.slice(0, 32)}`, fromStockFile: true };
}
