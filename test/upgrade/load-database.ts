/** Loads the dump that make-database.ts made: no tool is needed, and any supported PostgreSQL takes it. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';
import pg from 'pg';

const DATA = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', 'data', '0.1.0');
const DAY_MS = 24 * 60 * 60_000;
const TIMESTAMP = /\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?\+00\b/g;
const EPOCH_MS = /\b1[789]\d{11}\b/g;

export async function readFixture(name: 'database.sql' | 'openapi.json' | 'asyncapi.json'): Promise<string> {
  return brotliDecompressSync(await readFile(path.join(DATA, `${name}.br`))).toString();
}

/**
 * Fills an empty database. 25 orders had weeks left to be confirmed when the dump was made: `deadlines` says whether they
 * have those weeks still, counted from now, or none.
 */
export async function loadDatabase(url: string, deadlines: 'ahead' | 'passed'): Promise<void> {
  const dump = await readFixture('database.sql');
  const dumpedAt = Date.parse(/^-- dumped at (\S+)/.exec(dump)![1]!);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const left = (ms: number): number => (deadlines === 'ahead' ? Date.now() + ms - dumpedAt : dumpedAt);
    await client.query(withDeadlines(dump, (ms) => (ms > dumpedAt + DAY_MS ? left(ms) : ms)));
  } finally {
    await client.end();
  }
}

/** Nothing else in the dump lies days ahead of it, and no snapshot holds a deadline, so none goes out of step. */
function withDeadlines(dump: string, moved: (ms: number) => number): string {
  return dump
    .replace(EPOCH_MS, (text) => String(moved(Number(text))))
    .replace(TIMESTAMP, (text) => {
      const ms = Date.parse(text.replace(' ', 'T').replace('+00', 'Z'));
      return moved(ms) === ms ? text : new Date(moved(ms)).toISOString();
    });
}
