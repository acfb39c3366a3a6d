/** The mapping from invoice lines to orders, on files as they really are. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { readExpectedTotals } from './expected-totals.ts';
import { openingStock } from './opening-stock.ts';
import { OrderTotals, ranksRight } from './order-totals.ts';
import { readRetailFile } from './retail-file.ts';
import { skipWithReason } from '../../test/support/skip-with-reason.ts';

const DATA = fileURLToPath(new URL('../../test/data/', import.meta.url));
const AWKWARD = path.join(DATA, 'awkward-invoices.csv');
/** The real data set is not part of the project; where it lies beside it, it is tried as well. */
const REAL_FOLDER = fileURLToPath(new URL('../../../shared/data/online-retail/', import.meta.url));
const REAL_FILES = ['sample-3-days.csv', '2010-12_2011-08.csv'];
const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n';

async function rejection(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'nothing was refused',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}

async function expectTotals(file: string): Promise<void> {
  const expected = (await readExpectedTotals(file))!;
  const totals = new OrderTotals();
  for (const order of (await readRetailFile(file)).orders) totals.add(order);
  const { orders, lines, units, gross, linesMax, customers, skus } = totals;
  expect({ orders, lines, units, gross, linesMax, customers, skus }).to.deep.equal({
    orders: expected.orders,
    lines: expected.lines,
    units: expected.units,
    gross: expected.gross,
    linesMax: expected.linesMax,
    customers: expected.customers,
    skus: expected.skus,
  });
  expect(ranksRight(expected.topCountries, totals.grossByCountry)).to.equal(true);
  expect(ranksRight(expected.topSkus, totals.unitsBySku)).to.equal(true);
}

describe('retail file', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'holdfast-retail-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const fileOf = async (content: string | Buffer): Promise<string> => {
    const file = path.join(folder, 'file.csv');
    await writeFile(file, content);
    return file;
  };

  it('gathers an invoice by its number, wherever its lines stand, in the order of the first lines', async () => {
    const { orders } = await readRetailFile(AWKWARD);
    expect(orders.map(({ invoiceNo }) => invoiceNo)).to.deep.equal(['700001', '700002', '700004', '700008']);
    expect(orders[0]).to.deep.equal({
      invoiceNo: '700001',
      customerId: '17850',
      country: 'United Kingdom',
      placedAt: '2010-12-01T08:26:00.000Z',
      lines: [
        { productId: '85123A', quantity: 6, unitPrice: 255 },
        { productId: '85123A', quantity: 2, unitPrice: 210 },
      ],
    });
  });

  it('calls a blank customer a guest of the invoice, and keeps codes that differ only by case apart', async () => {
    const { orders } = await readRetailFile(AWKWARD);
    expect(orders[1]).to.include({ customerId: 'guest-700002', country: 'EIRE' });
    expect(orders[1]?.lines.map(({ productId }) => productId)).to.deep.equal(['85123a', '71053']);
  });

  it('keeps free goods and service codes, and rounds half up', async () => {
    const { orders } = await readRetailFile(AWKWARD);
    expect(orders[2]?.lines).to.deep.equal([
      { productId: 'POST', quantity: 1, unitPrice: 1801 },
      { productId: 'FREE', quantity: 3, unitPrice: 0 },
    ]);
  });

  it('counts returns, and skips what is no sale', async () => {
    const { lines, invoices, returnInvoices, skippedInvoices } = await readRetailFile(AWKWARD);
    expect({ lines, invoices, returnInvoices, skippedInvoices }).to.deep.equal({
      lines: 11,
      invoices: 8,
      returnInvoices: 1,
      skippedInvoices: 3,
    });
  });

  it('reconciles to the totals beside the file', () => expectTotals(AWKWARD));

  for (const name of REAL_FILES) {
    const file = path.join(REAL_FOLDER, name);
    it(`reconciles the real orders of ${name}${existsSync(file) ? '' : ' (not on this machine)'}`, async function () {
      if (!existsSync(file)) skipWithReason(this, `${name} is not on this machine`);
      await expectTotals(file);
    });
  }

  it('has the same hash for the same content only', async () => {
    const first = await readRetailFile(AWKWARD);
    const copy = await readRetailFile(await fileOf(await readFile(AWKWARD)));
    const other = await readRetailFile(await fileOf(`${await readFile(AWKWARD, 'utf8')}\n`));
    expect(copy.hash)
      .to.equal(first.hash)
      .and.match(/^[0-9a-f]{64}$/);
    expect(other.hash).not.to.equal(first.hash);
  });

  it('takes a byte order mark, CRLF and columns in another order', async () => {
    const content =
      '\ufeffCountry,InvoiceNo,StockCode,Quantity,InvoiceDate,UnitPrice,CustomerID\r\nFrance,1,A,2,2011-01-01 00:00:00,1.5,7.0\r\n';
    const { orders } = await readRetailFile(await fileOf(content));
    expect(orders[0]).to.deep.include({
      invoiceNo: '1',
      country: 'France',
      lines: [{ productId: 'A', quantity: 2, unitPrice: 150 }],
    });
  });

  const line = (
    cells: Partial<Record<'no' | 'sku' | 'quantity' | 'date' | 'price' | 'customer' | 'country', string>>,
  ): string => {
    const {
      no = '1',
      sku = 'A',
      quantity = '1',
      date = '2011-01-01 00:00:00',
      price = '1.00',
      customer = '',
      country = 'France',
    } = cells;
    return `${HEADER}1,A,,1,2011-01-01 00:00:00,1.00,,France\n${no},${sku},,${quantity},${date},${price},${customer},${country}\n`;
  };
  const refusals: readonly (readonly [what: string, content: string | Buffer, message: RegExp])[] = [
    ['an empty file', '', /file\.csv is empty/],
    ['a header without lines', HEADER, /has a header but no lines/],
    [
      'a missing column',
      'InvoiceNo,StockCode,Quantity\n1,2,3\n',
      /line 1: column InvoiceDate, UnitPrice, CustomerID, Country is missing/,
    ],
    ['a bad quantity', line({ quantity: 'six' }), /line 3, column Quantity: "six"/],
    ['a fraction of a unit', line({ quantity: '1.5' }), /line 3, column Quantity/],
    ['a bad price', line({ price: '1.2.3' }), /line 3, column UnitPrice: "1\.2\.3"/],
    ['a day that does not exist', line({ date: '2011-02-30 10:00:00' }), /line 3, column InvoiceDate/],
    ['a customer that is no number', line({ customer: 'Bob' }), /line 3, column CustomerID/],
    ['a blank invoice number', line({ no: '' }), /line 3, column InvoiceNo: is blank/],
    ['a blank stock code', line({ sku: '' }), /line 3, column StockCode: is blank/],
    ['a blank country', line({ country: '' }), /line 3, column Country: is blank/],
    ['a line with too few cells', `${HEADER}1,A\n`, /line 2/],
    ['a quote that is never closed', `${HEADER}1,"A\n`, /line/],
    [
      'text that is no UTF-8',
      Buffer.concat([Buffer.from(line({})), Buffer.from([0x31, 0x2c, 0xa3, 0x0a])]),
      /line 4: not UTF-8/,
    ],
  ];
  for (const [what, content, message] of refusals) {
    it(`refuses ${what}, and says where`, async () => {
      expect(await rejection(readRetailFile(await fileOf(content)))).to.match(message);
    });
  }

  const row = (invoice: number, date: string): string => `${invoice},A,a mug,1,${date},2.50,17850,United Kingdom\n`;
  const placed = async (...dates: string[]): Promise<string[]> => {
    const file = await fileOf(HEADER + dates.map((date, index) => row(700_001 + index, date)).join(''));
    return (await readRetailFile(file)).orders.map(({ placedAt }) => placedAt);
  };

  it('takes the times of copies that went through a spreadsheet, month or day first by the whole file', async () => {
    const monthFirst = ['2010-12-01T08:26:00.000Z', '2010-12-13T18:06:00.000Z'];
    expect(await placed('12/1/10 8:26', '12/13/2010 18:06')).to.deep.equal(monthFirst);
    const dayFirst = ['2010-01-12T08:26:00.000Z', '2010-12-13T18:06:30.000Z'];
    expect(await placed('12/1/10 8:26', '13/12/10 18:06:30')).to.deep.equal(dayFirst);
    expect(await placed('2010-12-01 08:26')).to.deep.equal(['2010-12-01T08:26:00.000Z']);
  });

  const UNCLEAR: readonly (readonly [what: string, dates: readonly string[], message: RegExp])[] = [
    [
      'month and day can not be told apart',
      ['12/1/10 8:26', '1/2/11 9:00'],
      /line 2, column InvoiceDate: no number.*2010-12-01/,
    ],
    ['both come first', ['13/12/10 8:26', '12/13/10 8:26'], /line 2 has the day first and line 3 the month/],
    ['a day does not exist', ['1/31/10 8:26', '2/30/10 8:26'], /line 3, column InvoiceDate: "2\/30\/10 8:26"/],
    ['a time does not exist', ['2010-12-01 08:26:00', '2010-12-01 25:00:00'], /line 3, column InvoiceDate/],
  ];
  for (const [what, dates, message] of UNCLEAR)
    it(`refuses times where ${what}, and names the line`, async () => {
      expect(await rejection(placed(...dates))).to.match(message);
    });

  for (const [name, delimiter] of [
    ['semicolons', ';'],
    ['tabs', '\t'],
  ] as const)
    it(`takes ${name} between cells, and commas in a text`, async () => {
      const text = (HEADER + row(700_001, '2010-12-01 08:26:00'))
        .replaceAll(',', delimiter)
        .replace('a mug', 'a mug, red');
      const { orders } = await readRetailFile(await fileOf(text));
      expect(orders[0]).to.include({ invoiceNo: '700001', country: 'United Kingdom' });
    });

  it('refuses a column that stands there twice', async () => {
    const file = await fileOf(HEADER.replace('Description', 'Quantity') + row(700_001, '2010-12-01 08:26:00'));
    expect(await rejection(readRetailFile(file))).to.match(/line 1: column Quantity stands there twice/);
  });

  it('refuses a file that is not there', async () => {
    expect(await rejection(readRetailFile(path.join(folder, 'none.csv')))).to.match(/none\.csv: ENOENT/);
  });

  describe('opening stock', () => {
    it('is exactly what the orders want', async () => {
      const { onHand, fromStockFile } = await openingStock(await readRetailFile(AWKWARD), undefined);
      expect(Object.fromEntries(onHand)).to.deep.equal({
        '85123A': 8,
        '85123a': 1,
        POST: 1,
        FREE: 3,
        PADS: 1,
        '71053': 74215,
      });
      expect(fromStockFile).to.equal(false);
    });

    it('is what a stock file says, and what the orders want of the rest', async () => {
      const file = await readRetailFile(AWKWARD);
      const stock = await openingStock(file, path.join(DATA, 'awkward-invoices-stock.csv'));
      expect(stock.onHand.get('85123A')).to.equal(7);
      expect(stock.onHand.get('FREE')).to.equal(3);
      expect(stock.hash).not.to.equal((await openingStock(file, undefined)).hash);
    });

    const badStock: readonly (readonly [what: string, content: string, message: RegExp])[] = [
      ['a missing column', 'productId\nA\n', /column onHand is missing/],
      ['a number below zero', 'productId,onHand\nA,-1\n', /line 2, column onHand/],
      ['more than stock may be', 'productId,onHand\nA,1000000000001\n', /line 2, column onHand/],
      [
        'a product that stands there twice',
        'productId,onHand\nA,1\nA,2\n',
        /line 3, column productId: "A" stands there twice/,
      ],
      ['a blank product', 'productId,onHand\n"",1\n', /line 2, column productId: is blank/],
    ];
    for (const [what, content, message] of badStock) {
      it(`refuses ${what}, and says where`, async () => {
        const file = await readRetailFile(AWKWARD);
        expect(await rejection(openingStock(file, await fileOf(content)))).to.match(message);
      });
    }
  });
});
