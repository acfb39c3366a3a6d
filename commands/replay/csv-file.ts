/**
 * Reads a CSV file row by row, with its line numbers, and its hash. Cells end at commas, semicolons or tabs, whichever
 * the header has most of. Refuses a file that it can't read with certainty: a file that is empty or no UTF-8, a missing
 * or doubled column, a row of another length. Every refusal names the line.
 */
import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parse, CsvError } from 'csv-parse';
import { messageOf } from '../../kernel/errors.ts';
import { CommandError } from '../support/command-line.ts';

/** A longer record is a quote that was never closed. */
const RECORD_BYTES_MAX = 64 * 1024;
const CHUNK_BYTES = 256 * 1024;
const NEWLINE = 0x0a;
const DELIMITERS = [',', ';', '\t'] as const;

/** The cells of one row, in the order of the requested columns. */
export interface CsvRow {
  /** Where the row ends in the file, from 1. */
  readonly line: number;
  readonly cells: readonly string[];
}

/** @returns the SHA-256 of the file, in hex. @throws CommandError naming file, line and remedy. */
export async function readCsv(file: string, columns: readonly string[], use: (row: CsvRow) => void): Promise<string> {
  const hash = createHash('sha256');
  let places: number[] | undefined;
  const take = (record: string[], line: number): void => {
    if (!places) places = placesOf(columns, record, file);
    else use({ line, cells: places.map((place) => record[place] ?? '') });
  };
  const parser = parse({
    bom: true,
    delimiter: await delimiterOf(file),
    skip_empty_lines: true,
    max_record_size: RECORD_BYTES_MAX,
    // Taken while parsing: a stream of objects costs several times as much. Null: no record flows on.
    on_record: (record, { lines }) => {
      take(record, lines);
      return null;
    },
  });
  try {
    await pipeline(createReadStream(file, { highWaterMark: CHUNK_BYTES }), utf8Only(file, hash), parser.resume());
  } catch (error) {
    throw error instanceof CommandError ? error : new CommandError(`${file}: ${reasonOf(error)}`, { cause: error });
  }
  if (!places) throw new CommandError(`${file} is empty: it needs a header line with ${columns.join(', ')}.`);
  return hash.digest('hex');
}

/** @throws CommandError naming line and column. */
export function refuseCell(file: string, line: number, column: string, problem: string): never {
  throw new CommandError(`${file}, line ${line}, column ${column}: ${problem}`);
}

/** By the header alone: a comma or semicolon in a row may belong to a text. */
async function delimiterOf(file: string): Promise<string> {
  const header = await headerOf(file).catch((error: unknown) => {
    throw new CommandError(`${file}: ${messageOf(error)}`, { cause: error });
  });
  const unquoted = header.replace(/"[^"]*"/g, '');
  const countOf = (delimiter: string): number => unquoted.split(delimiter).length;
  return DELIMITERS.reduce((best, each) => (countOf(each) > countOf(best) ? each : best));
}

async function headerOf(file: string): Promise<string> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(RECORD_BYTES_MAX), 0, RECORD_BYTES_MAX, 0);
    return buffer.toString('utf8', 0, bytesRead).split('\n', 1)[0]!;
  } finally {
    await handle.close();
  }
}

function placesOf(columns: readonly string[], header: readonly string[], file: string): number[] {
  const missing = columns.filter((column) => !header.includes(column));
  if (missing.length > 0) {
    throw new CommandError(
      `${file}, line 1: column ${missing.join(', ')} is missing; the header names ${header.slice(0, 20).join(', ')}.`,
    );
  }
  const doubled = columns.find((column) => header.indexOf(column) !== header.lastIndexOf(column));
  if (doubled !== undefined) {
    throw new CommandError(
      `${file}, line 1: column ${doubled} stands there twice, and which one counts can't be known. Rename or remove one.`,
    );
  }
  return columns.map((column) => header.indexOf(column));
}

/** Passes bytes on once they are known to be UTF-8, and hashes them. Bytes of a character never hold a newline. */
function utf8Only(file: string, hash: ReturnType<typeof createHash>): Transform {
  let rest = Buffer.alloc(0);
  let line = 1;
  const check = (bytes: Buffer): Error | undefined => {
    if (!isUtf8(bytes))
      return new CommandError(
        `${file}, line ${firstBadLine(bytes, line)}: not UTF-8. Convert the file, e.g. with iconv.`,
      );
    for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) line++;
    hash.update(bytes);
    return undefined;
  };
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const bytes = Buffer.concat([rest, chunk]);
      const end = bytes.lastIndexOf(NEWLINE) + 1;
      const whole = bytes.subarray(0, end);
      rest = bytes.subarray(end);
      if (rest.length > RECORD_BYTES_MAX)
        return done(new CommandError(`${file}, line ${line}: longer than ${RECORD_BYTES_MAX} bytes.`));
      const problem = check(whole);
      done(problem, problem ? undefined : whole);
    },
    flush(done) {
      const problem = check(rest);
      done(problem, problem ? undefined : rest);
    },
  });
}

function firstBadLine(bytes: Buffer, firstLine: number): number {
  let line = firstLine;
  for (let start = 0; start < bytes.length; line++) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline === -1 ? bytes.length : newline;
    if (!isUtf8(bytes.subarray(start, end))) return line;
    start = end + 1;
  }
  return line;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof CsvError)) return messageOf(error);
  const line = typeof error['lines'] === 'number' ? `line ${error['lines']}: ` : '';
  return `${line}${error.message}`;
}
