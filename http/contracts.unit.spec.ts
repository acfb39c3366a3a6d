import { expect } from 'chai';
import { publishedSchema } from '../messaging/contracts/json-schemas.ts';
import { sampleMessageOf } from '../messaging/contracts/samples.ts';
import { startEdge, type EdgeHarness, type TestReply } from '../test/support/edge-harness.ts';
import { MESSAGE_COMMANDS, PUBLIC_EVENTS } from '../actors/index.ts';

type Json = Record<string, unknown>;

describe('the description of the messages', () => {
  let edge: EdgeHarness;
  before(async () => {
    edge = await startEdge();
  });
  after(() => edge.close());
  const get = (path: string): Promise<TestReply> => edge.send(path, { token: null });

  it('is AsyncAPI 3.0 whose references all resolve', async () => {
    const { status, body, text } = await get('/asyncapi.json');
    expect([status, body['asyncapi']]).to.deep.equal([200, '3.0.0']);
    const references = [...text.matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, pointer]) => String(pointer));
    expect(references.length).to.be.greaterThan(60);
    for (const pointer of new Set(references)) {
      const found = pointer.split('/').reduce<unknown>((value, name) => (value as Json | undefined)?.[name], body);
      expect(found, pointer).to.be.an('object');
    }
    expect(text).not.to.match(/"\$id"|"\$schema"|\$defs/);
  });

  it('has a channel, an operation and a message for every event out and every command in', async () => {
    const { body } = await get('/asyncapi.json');
    const commands = MESSAGE_COMMANDS.map(({ routingKey }) => routingKey);
    const types = [...PUBLIC_EVENTS.types, ...commands];
    expect(Object.keys(body['channels'] as Json)).to.have.members(types);
    expect(Object.keys(body['operations'] as Json)).to.have.members([
      ...PUBLIC_EVENTS.types.map((type) => `send.${type}`),
      ...commands.map((type) => `receive.${type}`),
    ]);
    expect(Object.keys((body['components'] as { messages: Json }).messages)).to.have.members(types);
  });

  it('describes commands by the rules of the HTTP requests, with the order that a path named', async () => {
    const { body } = await get('/asyncapi.json');
    const { schemas } = body['components'] as { schemas: Record<string, { required?: string[]; $ref?: string }> };
    const requiredOf = (type: string) => schemas[schemas[type]?.$ref?.split('/').at(-1) ?? type]?.required;
    // Who sends it is no customer, so it says for whom.
    expect(requiredOf('order.place.v1')).to.include.members(['customerId', 'orderLines']);
    expect(requiredOf('order.confirm.v1')).to.have.members(['orderId']);
    expect(requiredOf('order.cancel.v1')).to.have.members(['orderId', 'reason']);
  });

  it('promises every header that a message carries, and no other', async () => {
    const { body } = await get('/asyncapi.json');
    const { schemas } = body['components'] as { schemas: Record<string, { required: string[]; properties: Json }> };
    const carried = Object.keys(sampleMessageOf(PUBLIC_EVENTS, PUBLIC_EVENTS.all[0]!).headers);
    expect(schemas['CloudEventHeaders']?.required).to.have.members(carried);
    expect(schemas['CloudEventHeaders']?.properties).to.include.all.keys(...carried);
  });

  it('leaves the names of the HTTP API to it', async () => {
    const { body } = await get('/openapi.json');
    const { schemas } = body['components'] as { schemas: Json };
    for (const type of PUBLIC_EVENTS.types) expect(schemas).not.to.have.property(type);
  });

  it('has each schema where the messages say that it is', async () => {
    for (const event of PUBLIC_EVENTS.all) {
      const { status, headers, body } = await get(
        new URL(String(sampleMessageOf(PUBLIC_EVENTS, event).headers['cloudEvents_dataschema'])).pathname,
      );
      expect([status, headers.get('content-type')]).to.deep.equal([200, 'application/schema+json']);
      expect(body).to.deep.equal(publishedSchema(event));
    }
  });

  for (const path of [
    '/contracts/order.created.v2.schema.json',
    '/contracts/order.created.v1',
    '/contracts/order.created.v1.schema.json/',
    '/contracts/constructor.schema.json',
    '/contracts/__proto__.schema.json',
    '/contracts/.schema.json',
    '/contracts/..%2f..%2fpackage.json',
    '/contracts/..%2f..%2fcontracts%2forder.created.v1.schema.json',
    '/contracts/%2e%2e%2fpackage.json.schema.json',
    '/contracts/samples/order.created.v1.schema.json',
  ]) {
    it(`has nothing at ${path}`, async () => {
      const line = await edge.sendLine(`GET ${path}`);
      expect(line).to.match(/^HTTP\/1\.1 404 /);
      expect(line).to.include('application/problem+json');
    });
  }

  it('is readable at /docs, with a link to each schema', async () => {
    const { text } = await get('/docs');
    expect(text).to.include('<h2 id="messages">Messages</h2>').and.include('href="/asyncapi.json"');
    for (const type of PUBLIC_EVENTS.types) expect(text).to.include(`href="/contracts/${type}.schema.json"`);
    for (const { routingKey } of MESSAGE_COMMANDS) expect(text).to.include(`id="message-${routingKey}"`);
  });
});
