/**
 * Reads a file of retail invoices (the columns of the UCI Online Retail data set) as orders. An order is an invoice whose
 * number is digits only, with at least one line of quantity > 0 and price > 0; its lines are those with quantity > 0 and
 * price >= 0, so free goods stay, and service codes are products like any other. Lines belong together by their invoice
 * number, not by their neighbourhood: an invoice may lie scattered in the file, and run over a minute boundary.
 *
 * Invoices that begin with C are returns; they are counted and not sent. All else (adjustments, write-offs, invoices for
 * nothing) is skipped and counted. The orders are held in memory: an order is complete only at the end of the file.
 */
import path from 'node:path';
import { readCsv, refuseCell, type CsvRow } from './csv-file.ts';
import { parsePrice } from './price.ts';
import { RetailDates } from './retail-dates.ts';
import { CommandError } from '../support/command-line.ts';

export interface RetailLine {
  readonly productId: string;
  readonly quantity: number;
  /** Pence. */
  readonly unitPrice: number;
}

export interface RetailOrder {
  readonly invoiceNo: string;
  readonly customerId: string;
  readonly country: string;
  /** ISO 8601, the file's time taken as UTC. */
  readonly placedAt: string;
  readonly lines: readonly RetailLine[];
}

export interface RetailFile {
  readonly path: string;
  /** SHA-256 of the content, in hex. */
  readonly hash: string;
  readonly lines: number;
  readonly invoices: number;
  /** In the order of their first lines in the file. */
  readonly orders: readonly RetailOrder[];
  readonly returnInvoices: number;
  readonly skippedInvoices: number;
}

const RETAIL_COLUMNS = [
  'InvoiceNo',
  'StockCode',
  'Quantity',
  'InvoiceDate',
  'UnitPrice',
  'CustomerID',
  'Country',
] as const;

/** A day, month or year of one shop has fewer. */
const LINES_MAX = 20_000_000;
const ORDER_NUMBER = /^\d{1,60}$/;
const RETURN_NUMBER = /^C\d{1,60}$/;
const QUANTITY = /^-?\d{1,9}$/;
const CUSTOMER = /^(\d{1,20})(?:\.0+)?$/;

interface Invoice {
  readonly invoiceNo: string;
  readonly customerId: string;
  readonly country: string;
  /** As the file has it. */
  readonly date: string;
  readonly lines: RetailLine[];
  isPaidFor: boolean;
}

/** @throws CommandError naming line and column of what can't be read. */
export async function readRetailFile(file: string): Promise<RetailFile> {
  const invoices = new Map<string, Invoice>();
  const orders = new Set<Invoice>();
  const texts = new Map<string, string>();
  /**
   * One copy of each text: the parser makes a new one for every cell, each of which keeps its whole chunk in memory.
   */
  const shared = (text: string): string => {
    const known = texts.get(text);
    if (known !== undefined) return known;
    const own = Buffer.from(text).toString();
    texts.set(own, own);
    return own;
  };
  const dates = new RetailDates(file);
  let lines = 0;
  const hash = await readCsv(file, RETAIL_COLUMNS, (row) => {
    if (++lines > LINES_MAX) throw new CommandError(`${file} has more than ${LINES_MAX} lines; split it.`);
    const cells = parsedCells(file, row);
    dates.add(cells.date, row.line);
    let invoice = invoices.get(cells.invoiceNo);
    if (!invoice) {
      const { customerId, country, date } = cells;
      const invoiceNo = shared(cells.invoiceNo);
      invoice = {
        invoiceNo,
        customerId: shared(customerId),
        country: shared(country),
        date: shared(date),
        lines: [],
        isPaidFor: false,
      };
      invoices.set(invoiceNo, invoice);
    }
    if (!ORDER_NUMBER.test(cells.invoiceNo) || cells.quantity <= 0 || cells.price.sign < 0) return;
    if (cells.price.sign > 0) invoice.isPaidFor = true;
    invoice.lines.push({ productId: shared(cells.productId), quantity: cells.quantity, unitPrice: cells.price.pence });
    orders.add(invoice); // a Set keeps the order of the first lines
  });
  if (lines === 0) throw new CommandError(`${file} has a header but no lines.`);
  const times = dates.resolve();
  const paid = [...orders].filter((invoice) => invoice.isPaidFor);
  const returnInvoices = [...invoices.keys()].filter((invoiceNo) => RETURN_NUMBER.test(invoiceNo)).length;
  return {
    path: file,
    hash,
    lines,
    invoices: invoices.size,
    orders: paid.map(({ isPaidFor: _isPaidFor, date, ...order }) => ({ ...order, placedAt: times.get(date)! })),
    returnInvoices,
    skippedInvoices: invoices.size - paid.length - returnInvoices,
  };
}

function parsedCells(file: string, { line, cells }: CsvRow) {
  const [invoiceNo = '', productId = '', quantityText = '', date = '', priceText = '', customer = '', country = ''] =
    cells;
  const refuse = (column: (typeof RETAIL_COLUMNS)[number], problem: string): never =>
    refuseCell(file, line, column, problem);
  if (invoiceNo === '') refuse('InvoiceNo', 'is blank.');
  if (productId === '') refuse('StockCode', 'is blank.');
  if (!QUANTITY.test(quantityText))
    refuse('Quantity', `"${shown(quantityText)}" is no whole number of up to 9 digits.`);
  const price = parsePrice(priceText) ?? refuse('UnitPrice', `"${shown(priceText)}" is no price such as 2.55.`);
  const customerNumber = CUSTOMER.exec(customer)?.[1];
  if (customerNumber === undefined && customer.trim() !== '')
    refuse('CustomerID', 'is neither blank nor a number such as 17850.0.');
  if (country === '') refuse('Country', 'is blank.');
  const customerId = customerNumber === undefined ? `guest-${invoiceNo}` : customerNumber.replace(/^0+(?=\d)/, '');
  return { invoiceNo, productId, quantity: Number(quantityText), date, price, customerId, country };
}

function shown(text: string): string {
  return text.slice(0, 40);
}

/** `orders.csv` -> `orders` */
export function baseNameOf(file: string): string {
  return path.basename(file, path.extname(file));
}
