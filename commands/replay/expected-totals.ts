/** Reads the totals that a file must reconcile to, from `<name>.expected.json` beside it. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { messageOf } from '../../kernel/errors.ts';
import { CommandError } from '../support/command-line.ts';
import type { Ranking } from './order-totals.ts';
import { baseNameOf } from './retail-file.ts';

/** Further fields (returns, refunds) are for requests that a replay does not send yet. */
const EXPECTED = z.object({
  orders: z.number(),
  order_lines: z.number(),
  units: z.number(),
  gross: z.number(),
  max_lines: z.number(),
  customers: z.number(),
  skus: z.number(),
  /** [country, gross, ...]: what follows is refunds. */
  top_countries: z.array(z.tuple([z.string(), z.number()]).rest(z.unknown())),
  top_skus: z.array(z.tuple([z.string(), z.number()]).rest(z.unknown())),
});

export interface ExpectedTotals {
  readonly file: string;
  readonly orders: number;
  readonly lines: number;
  readonly units: number;
  readonly gross: number;
  readonly linesMax: number;
  readonly customers: number;
  readonly skus: number;
  readonly topCountries: Ranking;
  readonly topSkus: Ranking;
}

/** Undefined where there is no such file. @throws CommandError for one that can't be read. */
export async function readExpectedTotals(csvFile: string): Promise<ExpectedTotals | undefined> {
  const file = path.join(path.dirname(csvFile), `${baseNameOf(csvFile)}.expected.json`);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new CommandError(`${file} can't be read: ${messageOf(error)}`, { cause: error });
  }
  const parsed = EXPECTED.safeParse(jsonOf(text));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new CommandError(
      `${file}, ${issue?.path.join('.') || 'the whole'}: ${issue?.message}. Correct it or move it away.`,
    );
  }
  const { order_lines: lines, max_lines: linesMax, top_countries: countries, top_skus: skus, ...same } = parsed.data;
  const firstTwo = (rows: readonly (readonly unknown[])[]): Ranking =>
    rows.map(([name, value]) => [String(name), Number(value)] as const);
  return { file, ...same, lines, linesMax, topCountries: firstTwo(countries), topSkus: firstTwo(skus) };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
