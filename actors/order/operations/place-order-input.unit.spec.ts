import { request as httpRequest } from 'node:http';
import { expect } from 'chai';
import { orderBody, startEdge, type EdgeHarness, type TestReply } from '../../../test/support/edge-harness.ts';

const price = { amount: 1, currency: 'GBP' };
const line = (changes: Readonly<Record<string, unknown>> = {}) => ({
  productId: 'P1',
  quantity: 1,
  unitPrice: price,
  ...changes,
});
const lines = (...changes: Readonly<Record<string, unknown>>[]) => orderBody({ orderLines: changes.map(line) });
const address = (changes: Readonly<Record<string, unknown>>) =>
  orderBody({ shippingAddress: { ...(orderBody()['shippingAddress'] as object), ...changes } });
const without = (name: string): Record<string, unknown> =>
  Object.fromEntries(Object.entries(orderBody()).filter(([key]) => key !== name));

/** [what, body, pointer of the first error] */
const INVALID: readonly (readonly [string, unknown, string])[] = [
  ['null', null, ''],
  ['a list', [], ''],
  ['a text', 'order', ''],
  ['an empty object', {}, '/orderLines'],
  ['no lines', without('orderLines'), '/orderLines'],
  ['an empty list of lines', orderBody({ orderLines: [] }), '/orderLines'],
  ['lines that are an object', orderBody({ orderLines: {} }), '/orderLines'],
  ['2,001 lines', orderBody({ orderLines: Array.from({ length: 2001 }, () => line()) }), '/orderLines'],
  ['a line that is null', orderBody({ orderLines: [null] }), '/orderLines/0'],
  ['quantity 0', lines({ quantity: 0 }), '/orderLines/0/quantity'],
  ['a negative quantity', lines({ quantity: -1 }), '/orderLines/0/quantity'],
  ['half a unit', lines({ quantity: 0.5 }), '/orderLines/0/quantity'],
  ['a quantity over a million', lines({}, { quantity: 1_000_001 }), '/orderLines/1/quantity'],
  ['a quantity as text', lines({ quantity: '1' }), '/orderLines/0/quantity'],
  ['a quantity of null', lines({ quantity: null }), '/orderLines/0/quantity'],
  ['a missing quantity', lines({ quantity: undefined }), '/orderLines/0/quantity'],
  ['an empty productId', lines({ productId: '' }), '/orderLines/0/productId'],
  ['a productId of 65 characters', lines({ productId: 'x'.repeat(65) }), '/orderLines/0/productId'],
  ['a productId with an outer space', lines({ productId: 'P1 ' }), '/orderLines/0/productId'],
  ['a productId with a line break', lines({ productId: 'P\n1' }), '/orderLines/0/productId'],
  ['a productId with an invisible character', lines({ productId: 'P\u200b1' }), '/orderLines/0/productId'],
  ['a productId as number', lines({ productId: 1 }), '/orderLines/0/productId'],
  ['a negative price', lines({ unitPrice: { amount: -1, currency: 'GBP' } }), '/orderLines/0/unitPrice/amount'],
  ['a price with a fraction', lines({ unitPrice: { amount: 1.5, currency: 'GBP' } }), '/orderLines/0/unitPrice/amount'],
  ['a price over 10^12', lines({ unitPrice: { amount: 1e12 + 1, currency: 'GBP' } }), '/orderLines/0/unitPrice/amount'],
  ['a price as a bare number', lines({ unitPrice: 5 }), '/orderLines/0/unitPrice'],
  ['a line over 10^12', lines({ quantity: 1000, unitPrice: { amount: 1e9 + 1, currency: 'GBP' } }), '/orderLines/0'],
  [
    'a currency in lower case',
    lines({ unitPrice: { amount: 1, currency: 'gbp' } }),
    '/orderLines/0/unitPrice/currency',
  ],
  [
    'a currency that was withdrawn',
    lines({ unitPrice: { amount: 1, currency: 'HRK' } }),
    '/orderLines/0/unitPrice/currency',
  ],
  ['gold', lines({ unitPrice: { amount: 1, currency: 'XAU' } }), '/orderLines/0/unitPrice/currency'],
  [
    'a currency that does not exist',
    lines({ unitPrice: { amount: 1, currency: 'ZZZ' } }),
    '/orderLines/0/unitPrice/currency',
  ],
  ['an unknown member of a line', lines({ discount: 5 }), '/orderLines/0/discount'],
  ['an unknown member of the order', orderBody({ expedite: true }), '/expedite'],
  ['no address', without('shippingAddress'), '/shippingAddress'],
  ['a missing address field', address({ state: undefined }), '/shippingAddress/state'],
  ['an empty street', address({ street: '' }), '/shippingAddress/street'],
  ['a blank city', address({ city: '  ' }), '/shippingAddress/city'],
  ['a country of 61 characters', address({ country: 'x'.repeat(61) }), '/shippingAddress/country'],
  ['a street of 201 characters', address({ street: 'x'.repeat(201) }), '/shippingAddress/street'],
  ['a street with NUL', address({ street: 'a\u0000b' }), '/shippingAddress/street'],
  ['a street with half a character', address({ street: 'a\ud800b' }), '/shippingAddress/street'],
  ['a productId with half a character', lines({ productId: '\udfff' }), '/orderLines/0/productId'],
  ['an unknown member whose name has a NUL', orderBody({ 'a\u0000': 1 }), ''],
  ['an incomplete billing address', orderBody({ billingAddress: {} }), '/billingAddress/city'],
  ['no payment method', without('paymentMethod'), '/paymentMethod'],
  ['an unknown payment type', orderBody({ paymentMethod: { type: 'cash', token: 't' } }), '/paymentMethod/type'],
  ['no payment token', orderBody({ paymentMethod: { type: 'card' } }), '/paymentMethod/token'],
  ['an unknown confirmation', orderBody({ confirmation: 'maybe' }), '/confirmation'],
  ['a reference of 65 characters', orderBody({ externalReference: 'x'.repeat(65) }), '/externalReference'],
  ['an empty customerId', orderBody({ customerId: '' }), '/customerId'],
  ['placedAt that is no moment', orderBody({ placedAt: 'yesterday' }), '/placedAt'],
];

/** [what, the bytes as they are sent, status, code] */
const MALFORMED: readonly (readonly [string, string | Uint8Array, number, string])[] = [
  ['half of a document', '{"orderLines": [', 400, 'malformed_json'],
  ['text', 'hello', 400, 'malformed_json'],
  ['a trailing comma', '{"a": 1,}', 400, 'malformed_json'],
  ['NaN', '{"a": NaN}', 400, 'malformed_json'],
  ['a second byte order mark', '\ufeff\ufeff{}', 400, 'malformed_json'],
  ['bytes that are not UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]), 400, 'malformed_json'],
  ['an encoded surrogate', new Uint8Array([0x22, 0xed, 0xa0, 0x80, 0x22]), 400, 'malformed_json'],
  ['a bare NUL', '{"a": "\u0000"}', 400, 'malformed_json'],
  [
    'a number beyond a double',
    JSON.stringify(orderBody()).replace('"quantity":2', '"quantity":1e400'),
    400,
    'validation_failed',
  ],
  [
    'a member named __proto__',
    `{"__proto__": {"a": 1},${JSON.stringify(orderBody()).slice(1)}`,
    400,
    'validation_failed',
  ],
  ['an escaped NUL', JSON.stringify(orderBody()).replace('Leeds', 'Le\\u0000eds'), 400, 'validation_failed'],
  [
    'an escaped card number',
    JSON.stringify(orderBody()).replace('Leeds', '4111111111\\u0031\\u0031\\u0031111'),
    422,
    'card_data_refused',
  ],
  [
    'more than 1 MiB',
    JSON.stringify(orderBody({ externalReference: 'x'.repeat(1024 * 1024) })),
    413,
    'payload_too_large',
  ],
  [
    'deep nesting',
    `{"shippingAddress":${'['.repeat(200_000)}"\\u0041"${']'.repeat(200_000)}}`,
    400,
    'validation_failed',
  ],
  ['a deep card number', `${'['.repeat(200_000)}"4111111111111111"${']'.repeat(200_000)}`, 400, 'validation_failed'],
  ['endless nesting', '['.repeat(500_000), 400, 'validation_failed'],
];

describe('POST /api/v1/orders with bad input', () => {
  let edge: EdgeHarness;
  before(async () => {
    edge = await startEdge();
    for (const productId of ['P1', 'P2']) {
      await edge.send(`/api/v1/stock/${productId}`, {
        method: 'PUT',
        token: edge.tokens.admin,
        json: { onHand: 1e12 },
      });
    }
  });
  after(() => edge.close());

  const place = (json: unknown, headers: Readonly<Record<string, string>> = {}): Promise<TestReply> =>
    edge.send('/api/v1/orders', { method: 'POST', json, headers });
  const placedSoFar = (): number => edge.actors.asks.filter(({ commandId }) => commandId === 'place').length;

  for (const [what, body, pointer] of INVALID) {
    it(`refuses ${what} and names the place`, async () => {
      const before = placedSoFar();
      const reply = await place(body);
      expect([reply.status, reply.body['code']]).to.deep.equal([400, 'validation_failed']);
      const errors = reply.body['errors'] as { pointer: string; code: string; detail: string }[];
      expect(errors.map((error) => error.pointer)).to.include(pointer);
      expect(reply.body['detail']).to.be.a('string').and.not.include('undefined');
      expect(placedSoFar()).to.equal(before);
    });
  }

  for (const [what, raw, status, code] of MALFORMED) {
    it(`refuses ${what}`, async () => {
      const reply = await edge.send('/api/v1/orders', { method: 'POST', raw });
      expect([reply.status, reply.body['code']]).to.deep.equal([status, code]);
    });
  }

  it('accepts what lies just within the limits', async () => {
    const price1e12 = { amount: 1e12, currency: 'GBP' };
    const good = [
      lines({ quantity: 1_000_000 }, { unitPrice: price1e12 }, { unitPrice: { amount: 0, currency: 'GBP' } }),
      address({ state: '', country: 'x'.repeat(60), street: 'ß'.repeat(200), city: '😀'.repeat(200) }),
      orderBody({ orderLines: Array.from({ length: 2000 }, () => line({ unitPrice: price1e12 })) }),
      orderBody({ externalReference: 'x'.repeat(64), paymentMethod: { type: 'invoice', token: 'x' } }),
    ];
    for (const body of good) expect((await place(body)).status).to.equal(201);
  });

  it('takes a productId as it is: case, inner spaces, other scripts', async () => {
    for (const productId of ['gift 20', 'Größe "L"', '85123a', '4111111111111111', '日本 1', 'x'.repeat(64)]) {
      const put = { method: 'PUT', token: edge.tokens.admin, json: { onHand: 5 } };
      expect((await edge.send(`/api/v1/stock/${encodeURIComponent(productId)}`, put)).status).to.equal(200);
      expect((await place(lines({ productId }))).status).to.equal(201);
    }
  });

  it('refuses mixed currencies, naming the lines that differ', async () => {
    const reply = await place(lines({}, { unitPrice: { amount: 1, currency: 'EUR' } }, {}));
    expect([reply.status, reply.body['code']]).to.deep.equal([422, 'currency_mismatch']);
    expect((reply.body['errors'] as { pointer: string }[]).map(({ pointer }) => pointer)).to.deep.equal([
      '/orderLines/1/unitPrice/currency',
    ]);
  });

  it('refuses card numbers in any text, and neither answers nor logs them', async () => {
    const card = '4111 1111 1111 1111';
    const bodies = [
      orderBody({ paymentMethod: { type: 'card', token: card } }),
      orderBody({ externalReference: '4111111111111111' }),
      address({ street: `card ${card}` }),
      orderBody({ cardNumber: '4111-1111-1111-1111' }),
      orderBody({ [card]: 1 }),
    ];
    for (const body of bodies) {
      const reply = await place(body);
      expect([reply.status, reply.body['code']]).to.deep.equal([422, 'card_data_refused']);
      expect(reply.text + edge.logged.join('')).not.to.match(/4111.?1111/);
    }
  });

  it('tells at most 20 errors', async () => {
    const reply = await place(orderBody({ orderLines: Array.from({ length: 2000 }, () => ({})) }));
    expect(reply.body['errors']).to.have.length(20);
  });

  it('refuses other media types', async () => {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/json; charset=latin1',
      'application/jsonx',
    ]) {
      expect((await place(orderBody(), { 'content-type': type })).status).to.equal(415);
    }
    expect((await place(orderBody(), { 'content-encoding': 'gzip' })).status).to.equal(415);
    expect((await place(orderBody(), { 'content-type': 'Application/JSON; charset="UTF-8"' })).status).to.equal(201);
  });

  it('refuses a body that is missing', async () => {
    const reply = await edge.send('/api/v1/orders', { method: 'POST' });
    expect([reply.status, reply.body['code']]).to.deep.equal([400, 'validation_failed']);
  });

  it('refuses bad keys', async () => {
    for (const key of ['x'.repeat(256), 'schl\u00fcssel']) {
      const reply = await place(orderBody(), { 'idempotency-key': key });
      expect([reply.status, reply.body['code']]).to.deep.equal([400, 'idempotency_key_invalid']);
    }
  });

  it('refuses a stream that grows beyond 1 MiB, and lets the connection live', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { authorization: `Bearer ${edge.tokens.alice}`, 'content-type': 'application/json' };
      const req = httpRequest({ port: edge.port, path: '/api/v1/orders', method: 'POST', headers }, (res) => {
        res.resume().on('end', () => {
          resolve(res.statusCode);
        });
      });
      req.on('error', reject);
      for (let n = 0; n < 20; n++) req.write('x'.repeat(100_000)); // chunked: no length is announced
      req.end();
    });
    expect(status).to.equal(413);
    expect((await place(orderBody())).status).to.equal(201);
  });
});
