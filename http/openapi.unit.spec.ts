import { expect } from 'chai';
import { startEdge, type EdgeHarness } from '../test/support/edge-harness.ts';
import { allProblems } from './openapi.ts';

describe('the description of the API', () => {
  let edge: EdgeHarness;
  before(async () => {
    edge = await startEdge();
  });
  after(() => edge.close());

  it('is OpenAPI 3.1 whose references all resolve', async () => {
    const { status, body, text } = await edge.send('/openapi.json', { token: null });
    expect([status, body['openapi']]).to.deep.equal([200, '3.1.0']);
    const { schemas } = body['components'] as { schemas: Record<string, unknown> };
    const references = [...text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => String(name));
    expect(references.length).to.be.greaterThan(20);
    expect(schemas).to.include.all.keys(...references);
    expect(text).not.to.include('"$id"').and.not.include('$defs');
  });

  it('describes requests by the rules that they are checked with', async () => {
    const { body } = await edge.send('/openapi.json', { token: null });
    const { schemas } = body['components'] as {
      schemas: Record<
        string,
        { required: string[]; properties: Record<string, object>; additionalProperties: boolean }
      >;
    };
    expect(schemas['PlaceOrderRequest']?.required).to.have.members(['orderLines', 'paymentMethod', 'shippingAddress']);
    expect(schemas['PlaceOrderRequest']?.properties['orderLines']).to.include({ minItems: 1, maxItems: 2000 });
    expect(schemas['OrderLine']?.properties['productId']).to.include({ minLength: 1, maxLength: 64 });
    expect(schemas['OrderLine']?.properties['quantity']).to.include({ minimum: 1, maximum: 1_000_000 });
    expect(schemas['Address']?.additionalProperties).to.equal(false);
  });

  it('is readable at /docs, with a row for every problem, and nothing from elsewhere', async () => {
    const reply = await edge.send('/docs', { token: null });
    expect([reply.status, reply.headers.get('content-type')]).to.deep.equal([200, 'text/html; charset=utf-8']);
    expect(reply.text).not.to.match(/https?:\/\/|@import|<script>/);
    expect(reply.headers.get('content-security-policy')).to.include("default-src 'none'").and.not.include('unsafe');
    for (const { code } of allProblems(edge.edge.operations)) expect(reply.text).to.include(`id="problem-${code}"`);
    const root = await edge.send('/', { token: null });
    expect([root.status, root.headers.get('location')]).to.deep.equal([302, '/docs']);
  });

  it('gives the files of that page, zipped where it is asked for, and 304 to who has them', async () => {
    const path = '/docs/swagger-ui.css';
    const reply = await edge.send(path, { token: null, headers: { 'accept-encoding': 'gzip' } });
    expect([reply.status, reply.headers.get('content-encoding')]).to.deep.equal([200, 'gzip']);
    expect(reply.text).to.include('.swagger-ui');
    const plain = await edge.send(path, { token: null, headers: { 'accept-encoding': 'identity' } });
    expect([plain.headers.has('content-encoding'), plain.text === reply.text]).to.deep.equal([false, true]);
    const headers = { 'if-none-match': reply.headers.get('etag')! };
    expect((await edge.send(path, { token: null, headers })).status).to.equal(304);
    for (const name of ['nothing.js', 'toString', '..%2Fpackage.json', 'package.json']) {
      expect((await edge.send(`/docs/${name}`, { token: null })).status).to.equal(404);
    }
  });

  it('has an example that fits its schema for every body', () => {
    for (const { body, example } of edge.edge.operations) body?.parse(example);
  });
});
