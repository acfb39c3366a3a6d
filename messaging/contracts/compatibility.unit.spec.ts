import { expect } from 'chai';
import fc from 'fast-check';
import { breakingChanges } from './compatibility.ts';
import { dataSchema, type JsonSchema } from './json-schemas.ts';
import { PUBLIC_EVENTS } from '../../actors/index.ts';

const object = (properties: Record<string, JsonSchema>, required = Object.keys(properties)): JsonSchema => ({
  type: 'object',
  properties,
  required,
});
const text = { type: 'string' } as const;
const whole = { type: 'integer', minimum: 0 } as const;
const either = { type: 'string', enum: ['a', 'b'] } as const;
const list = (items: JsonSchema): JsonSchema => ({ type: 'array', minItems: 1, items });

type Case = readonly [name: string, published: JsonSchema, current: JsonSchema];

const BREAKING: readonly Case[] = [
  ['a removed member', object({ a: text, b: text }), object({ a: text })],
  ['a removed member that was optional', object({ a: text, b: text }, ['a']), object({ a: text })],
  ['a renamed member', object({ a: text }), object({ b: text })],
  ['a member that is no longer always there', object({ a: text }), object({ a: text }, [])],
  ['another type', object({ a: text }), object({ a: whole })],
  ['a type more', object({ a: text }), object({ a: { type: ['string', 'null'] } })],
  ['a member that may be null now', object({ a: text }), object({ a: { anyOf: [text, { type: 'null' }] } })],
  ['fractions where whole numbers were', object({ a: { type: 'integer' } }), object({ a: { type: 'number' } })],
  ['any type where one was promised', object({ a: text }), object({ a: {} })],
  ['a further value of an enum', either, { type: 'string', enum: ['a', 'b', 'c'] }],
  ['a lost value of an enum', either, { type: 'string', enum: ['a'] }],
  ['free text where an enum was', either, text],
  ['another constant', { const: 1 }, { const: 2 }],
  ['a lower minimum', whole, { type: 'integer', minimum: -1 }],
  ['no minimum any more', whole, { type: 'integer' }],
  ['a higher maximum', { type: 'integer', maximum: 9 }, { type: 'integer', maximum: 10 }],
  ['longer text', { ...text, maxLength: 5 }, { ...text, maxLength: 6 }],
  ['a list that may be empty now', list(text), { type: 'array', items: text }],
  ['other items', list(text), list(whole)],
  ['any items', list(text), { type: 'array', minItems: 1 }],
  ['a change within an item of a list', list(object({ a: text })), list(object({}))],
  ['a change deep inside', object({ a: object({ b: either }) }), object({ a: object({ b: text }) })],
  ['another format', { ...text, format: 'date-time' }, { ...text, format: 'date' }],
  ['no format any more', { ...text, format: 'uuid' }, text],
  ['another pattern', { ...text, pattern: '^a$' }, { ...text, pattern: '^b$' }],
  ['a variant more', { anyOf: [text] }, { anyOf: [text, whole] }],
  ['a variant less', { anyOf: [text, whole] }, { anyOf: [text] }],
  ['a closed object where an open one was', object({}), { ...object({}), additionalProperties: false }],
  ['a keyword that nobody has judged yet', object({}), { ...object({}), unevaluatedProperties: false }],
];

const HARMLESS: readonly Case[] = [
  ['a further member that is always there', object({ a: text }), object({ a: text, b: text })],
  ['a further optional member', object({ a: text }), object({ a: text, b: text }, ['a'])],
  ['an optional member that is always there now', object({ a: text }, []), object({ a: text })],
  ['members in another order', object({ a: text, b: whole }), object({ b: whole, a: text })],
  ['values of an enum in another order', either, { type: 'string', enum: ['b', 'a'] }],
  ['whole numbers where fractions could be', { type: 'number' }, { type: 'integer' }],
  ['an enum where free text was', text, either],
  ['a higher minimum', whole, { type: 'integer', minimum: 1 }],
  ['a maximum where none was', whole, { ...whole, maximum: 5 }],
  ['a format where none was', text, { ...text, format: 'uuid' }],
  ['a pattern where none was', text, { ...text, pattern: '^a$' }],
  [
    'a further member within a variant',
    { anyOf: [object({ a: text }), whole] },
    { anyOf: [whole, object({ a: text, b: text })] },
  ],
  [
    'another description, title and address',
    { ...text, description: 'x', title: 'y', $id: 'z' },
    { ...text, description: 'X' },
  ],
  ['a further member within an item', list(object({ a: text })), list(object({ a: text, b: text }))],
];

describe('the compatibility of a published schema', () => {
  for (const [name, published, current] of BREAKING) {
    it(`is broken by ${name}`, () => expect(breakingChanges(published, current)).to.have.length(1));
  }
  for (const [name, published, current] of HARMLESS) {
    it(`is kept with ${name}`, () => expect(breakingChanges(published, current)).to.deep.equal([]));
  }

  it('says of every breach where it is', () => {
    const published = object({
      lines: list(object({ price: object({ amount: whole, currency: text }) })),
      code: either,
    });
    const current = object({ lines: list(object({ price: object({ amount: text }) })) });
    expect(breakingChanges(published, current)).to.deep.equal([
      'lines[].price.amount: type was "integer" and is "string"',
      'lines[].price.amount: minimum was 0 and is absent',
      'lines[].price.currency: is no longer there',
      'code: is no longer there',
    ]);
  });

  it('is kept by every schema with itself, and broken by the loss of any member of any event', () => {
    for (const event of PUBLIC_EVENTS.all) {
      const schema = dataSchema(event);
      expect(breakingChanges(schema, schema)).to.deep.equal([]);
      for (const name of Object.keys(schema['properties'] as object)) {
        const properties = { ...(schema['properties'] as object), [name]: undefined };
        const cut = JSON.parse(JSON.stringify({ ...schema, properties })) as JsonSchema;
        expect(breakingChanges(schema, cut), `${event.routingKey} without ${name}`).not.to.deep.equal([]);
      }
    }
  });

  it('is judged the same whatever the order in which keywords and members stand', () => {
    const schema = dataSchema(PUBLIC_EVENTS.all[0]!);
    const shuffled = (value: unknown, keys: (names: string[]) => string[]): unknown => {
      if (Array.isArray(value)) return value.map((each) => shuffled(each, keys));
      if (typeof value !== 'object' || value === null) return value;
      const members = value as Record<string, unknown>;
      return Object.fromEntries(keys(Object.keys(members)).map((name) => [name, shuffled(members[name], keys)]));
    };
    fc.assert(
      fc.property(fc.func(fc.integer()), (rank) => {
        const other = shuffled(schema, (names) => names.sort((a, b) => rank(a) - rank(b))) as JsonSchema;
        expect(breakingChanges(schema, other)).to.deep.equal([]);
        expect(breakingChanges(other, schema)).to.deep.equal([]);
      }),
      { numRuns: 30 },
    );
  });
});
