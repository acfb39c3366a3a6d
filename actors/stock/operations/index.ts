/** The operations on stock, in the order in which the documents show them. */
import { getStockOperation } from './get-stock.ts';
import { setStockBatchOperation } from './set-stock-batch.ts';
import { setStockOperation } from './set-stock.ts';

export const stockOperations = [setStockBatchOperation, setStockOperation, getStockOperation];
