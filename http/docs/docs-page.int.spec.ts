/** The documentation as people use it: in a browser, with its policy, without anything from elsewhere. */
import { DEMO_PRODUCT_ID } from '../../actors/stock/stock.ts';
import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import { complaintsOf, openBrowser } from '../../test/support/browser.ts';
import { startEdge, type EdgeHarness } from '../../test/support/edge-harness.ts';

describe('the documentation in a browser', function () {
  this.timeout(60_000);
  let browser: Browser;
  let edge: EdgeHarness;
  let page: Page;
  let complaints: string[];
  const asked: string[] = [];

  before(async function () {
    browser = await openBrowser(this);
  });
  beforeEach(async () => {
    edge = await startEdge();
    page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
    complaints = complaintsOf(page);
    page.on('request', (request) => asked.push(request.url()));
  });
  afterEach(async () => {
    await page.close();
    await edge.close();
  });
  after(async () => {
    await (browser as Browser | undefined)?.close();
  });

  it('opens from the address of the node, breaks no policy and asks this server alone', async () => {
    await page.goto(`http://127.0.0.1:${edge.port}/`);
    expect(new URL(page.url()).pathname).to.equal('/docs');
    await page.getByText('Place an order.').first().waitFor();
    expect(complaints).to.deep.equal([]);
    const elsewhere = asked.filter(
      (url) => !url.startsWith(`http://127.0.0.1:${edge.port}/`) && !url.startsWith('data:'),
    );
    expect(elsewhere).to.deep.equal([]);
  });

  it('shows the row of a problem whose type leads here', async () => {
    await page.goto(`http://127.0.0.1:${edge.port}/docs#problem-currency_mismatch`);
    const row = page.locator('#problem-currency_mismatch');
    await row.waitFor();
    expect(await row.innerText()).to.match(/^422\s+currency_mismatch\s/);
  });

  it('places the order of its example', async () => {
    const { admin, alice } = edge.tokens;
    const put = { method: 'PUT', token: admin, json: { onHand: 10 } };
    await edge.send(`/api/v1/stock/${DEMO_PRODUCT_ID}`, put);
    await page.goto(`http://127.0.0.1:${edge.port}/docs`);
    await page.getByRole('button', { name: 'Authorize', exact: true }).click();
    await page.locator('.modal-ux input').fill(alice);
    await page.locator('.modal-ux .auth-btn-wrapper button[type=submit]').click();
    await page.locator('.modal-ux .btn-done').click();
    const operation = page.locator('#operations-Orders-placeOrder');
    await operation.locator('.opblock-summary').click();
    await operation.getByRole('button', { name: 'Execute' }).click();
    const live = operation.locator('.live-responses-table .response-col_status').last();
    await live.waitFor();
    expect(await live.innerText()).to.match(/^201/);
    expect(complaints).to.deep.equal([]);
  });
});
