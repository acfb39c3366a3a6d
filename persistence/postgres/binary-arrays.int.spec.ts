/** Arrays in the binary form, read back by a real server. */
import { expect } from 'chai';
import pg from 'pg';
import { scratchDatabaseOrSkip } from '../../test/support/postgres-database.ts';
import type { ScratchDatabase } from '../../test/support/scratch-database.ts';
import { boolArray, int4Array, int8Array, jsonArray, textArray } from './binary-arrays.ts';

describe('binary arrays', () => {
  let database: ScratchDatabase | undefined;
  let client: pg.Client;

  before(async function () {
    database = await scratchDatabaseOrSkip(this);
    client = new pg.Client({ connectionString: database.url });
    await client.connect();
  });
  after(async () => {
    if (!database) return;
    await client.end();
    await database.drop();
  });

  /** The server's own text of each element. */
  async function read(type: string, array: Buffer): Promise<(string | null)[]> {
    const result = await client.query<{ value: string | null }>({
      text: `SELECT value::text FROM unnest($1::${type}[]) WITH ORDINALITY AS t(value, n) ORDER BY n`,
      values: [array],
    });
    return result.rows.map(({ value }) => value);
  }

  it('carry 32-bit integers of every size and sign', async () => {
    const values = [0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 65_536];
    expect(await read('int4', int4Array(values))).to.deep.equal(values.map(String));
  });

  it('carry integers up to 2^53-1, negative ones, and nulls', async () => {
    const values = [
      0,
      null,
      -1,
      1,
      2 ** 32,
      2 ** 32 - 1,
      -(2 ** 32),
      -(2 ** 32) - 1,
      2 ** 53 - 1,
      -(2 ** 53) + 1,
      null,
    ];
    expect(await read('int8', int8Array(values))).to.deep.equal(
      values.map((value) => (value === null ? null : String(value))),
    );
  });

  it('carry texts of several bytes a character, quotes, line ends, empty ones, and nulls', async () => {
    const values = [
      '',
      'a',
      null,
      'äöü',
      '日本語',
      '😀',
      '"quoted"',
      "it's",
      '{a,b}',
      '\\',
      'NULL',
      'null',
      '\n\t\r',
      'x'.repeat(100_000),
    ];
    expect(await read('text', textArray(values))).to.deep.equal(values);
  });

  it('carry JSON as its text, and nulls', async () => {
    const values = ['{"a": [1, 2,   3]}', null, '"\\u0000"', '[]', '{"é":"😀"}'];
    expect(await read('json', jsonArray(values))).to.deep.equal(values);
  });

  it('carry truth values', async () => {
    expect(await read('bool', boolArray([true, false, true]))).to.deep.equal(['true', 'false', 'true']);
  });

  it('may be empty', async () => {
    for (const [type, array] of [
      ['int4', int4Array([])],
      ['int8', int8Array([])],
      ['text', textArray([])],
      ['json', jsonArray([])],
      ['bool', boolArray([])],
    ] as const) {
      expect(await read(type, array), type).to.deep.equal([]);
    }
  });

  it('may hold nothing but nulls', async () => {
    expect(await read('int8', int8Array([null, null]))).to.deep.equal([null, null]);
    expect(await read('text', textArray([null]))).to.deep.equal([null]);
  });

  it('refuse what is no JSON, and a NUL in a text', async () => {
    for (const [type, array, code] of [
      ['json', jsonArray(['{']), '22P02'],
      ['text', textArray(['a\u0000b']), '22021'],
    ] as const) {
      let thrown: unknown;
      await read(type, array).catch((error: unknown) => (thrown = error));
      expect(thrown).to.include({ code });
    }
  });

  it('carry ten thousand elements', async () => {
    const values = Array.from({ length: 10_000 }, (_, index) => `text ${index} ${'é'.repeat(index % 7)}`);
    expect(await read('text', textArray(values))).to.deep.equal(values);
  });
});
