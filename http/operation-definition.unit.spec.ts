/** What an edge makes of an operation that it has never seen, as a new kind of actor brings it. */
import { expect } from 'chai';
import { z } from 'zod';
import { SHOP } from '../actors/index.ts';
import { startEdge, type EdgeHarness } from '../test/support/edge-harness.ts';
import { answerJson } from './answer.ts';
import { defineOperation } from './operation-definition.ts';
import { parseInput } from './parse-input.ts';
import { defineProblem, Problem } from './problems.ts';

const NO_CARRIER = defineProblem({
  code: 'no_carrier',
  status: 422,
  title: 'No carrier goes there',
  retryable: false,
});
const bookRequest = z.strictObject({ country: z.string() });

const bookShipment = defineOperation({
  id: 'bookShipment',
  method: 'POST',
  path: '/api/v1/shipments/{shipmentId}/book',
  access: 'staff',
  summary: 'Book a carrier.',
  body: bookRequest,
  example: { country: 'GB' },
  responses: { 200: { description: 'Booked' } },
  problems: [NO_CARRIER],
  handler:
    ({ bodies }) =>
    async (ctx) => {
      const { country } = parseInput(bookRequest, await bodies.readJson(ctx.req, ctx.state.principal));
      if (country !== 'GB') throw new Problem(NO_CARRIER, 'No carrier goes there; see the list of countries.');
      answerJson(ctx, 200, { shipmentId: ctx.params['shipmentId'], country });
    },
});

describe('an operation that a kind of actor brings', () => {
  let edge: EdgeHarness;
  before(async () => {
    // The schema is named for the document of this edge alone.
    z.globalRegistry.add(bookRequest, { id: 'BookShipmentRequest' });
    edge = await startEdge({}, { ...SHOP, operations: [...SHOP.operations, bookShipment] });
  });
  after(async () => {
    z.globalRegistry.remove(bookRequest);
    await edge.close();
  });
  const book = (token: string, country: string) =>
    edge.send('/api/v1/shipments/s-1/book', { method: 'POST', token, json: { country } });

  it('is served at its address, to whom it is for', async () => {
    const { status, body } = await book(edge.tokens.support, 'GB');
    expect([status, body]).to.deep.equal([200, { shipmentId: 's-1', country: 'GB' }]);
    expect((await book(edge.tokens.alice, 'GB')).body['code']).to.equal('forbidden');
    expect(edge.logged.join('')).to.include('"route":"/api/v1/shipments/{shipmentId}/book"');
  });

  it('is described in the order in which it is given, with all that it may answer', async () => {
    const { body } = await edge.send('/openapi.json', { token: null });
    const paths = Object.keys(body['paths'] as object);
    expect(paths.indexOf(bookShipment.path)).to.equal(paths.indexOf('/health/live') - 1);
    const described = (body['paths'] as Record<string, { post: Record<string, unknown> }>)[bookShipment.path]!.post;
    expect(described).to.include({ operationId: 'bookShipment' });
    expect(described['tags']).to.deep.equal(['Shipments']);
    expect(described['x-roles']).to.deep.equal(['support', 'admin']);
    expect(described['responses']).to.include.all.keys('200', '401', '412', '415', '422');
  });

  it('answers with a problem of its own, whose type leads to a row of /docs', async () => {
    const { status, body } = await book(edge.tokens.support, 'AQ');
    expect([status, body['code'], body['title']]).to.deep.equal([422, 'no_carrier', 'No carrier goes there']);
    const [, row] = String(body['type']).split('#');
    expect((await edge.send('/docs', { token: null })).text).to.include(`id="${row}"`);
  });
});
