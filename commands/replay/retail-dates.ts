/**
 * Reads the times of a retail file: as in the data set itself (`2010-12-01 08:26:00`), or as in its public copies that
 * went through a spreadsheet (`12/1/10 8:26`). Only the whole file shows whether the month or the day comes first, by a
 * number above 12. A file without one is refused, because a guess would move orders by months.
 */
import { CommandError } from '../support/command-line.ts';
import { refuseCell } from './csv-file.ts';

const COLUMN = 'InvoiceDate';
const ISO = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d)(?::(\d\d))?$/;
const SLASHED = /^(\d{1,2})\/(\d{1,2})\/(\d{2}|\d{4}) (\d{1,2}):(\d\d)(?::(\d\d))?$/;
const MONTHS = 12;
const CENTURY = 2_000;

export class RetailDates {
  readonly #file: string;
  /** Distinct texts, with the line of the first. */
  readonly #lines = new Map<string, number>();
  /** Where the first number can't be a month, and where the second can't. */
  #dayFirst: number | undefined;
  #monthFirst: number | undefined;
  #slashed: number | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  /** @throws CommandError naming the line of a text that is no time. */
  add(text: string, line: number): void {
    if (this.#lines.has(text)) return;
    this.#lines.set(text, line);
    if (ISO.test(text)) return;
    const [, first, second] = SLASHED.exec(text) ?? this.#refuse(text, line);
    this.#slashed ??= line;
    if (Number(first) > MONTHS) this.#dayFirst ??= line;
    if (Number(second) > MONTHS) this.#monthFirst ??= line;
  }

  /**
   * Once all are added: each text as ISO 8601, taken as UTC. @throws CommandError where the order of day and month is
   * open.
   */
  resolve(): ReadonlyMap<string, string> {
    if (this.#slashed !== undefined) this.#refuseUnclearOrder(this.#slashed);
    const times = new Map<string, string>();
    for (const [text, line] of this.#lines) times.set(text, this.#isoOf(text) ?? this.#refuse(text, line));
    return times;
  }

  #refuseUnclearOrder(slashed: number): void {
    const [dayFirst, monthFirst] = [this.#dayFirst, this.#monthFirst];
    if (dayFirst !== undefined && monthFirst !== undefined) {
      throw new CommandError(
        `${this.#file}, column ${COLUMN}: line ${dayFirst} has the day first and line ${monthFirst} the month. Write all alike, best as 2010-12-01 08:26:00.`,
      );
    }
    if (dayFirst !== undefined || monthFirst !== undefined) return;
    throw new CommandError(
      `${this.#file}, line ${slashed}, column ${COLUMN}: no number in the file is above ${MONTHS}, so whether the month or the day comes first can't be known. Write them as 2010-12-01 08:26:00.`,
    );
  }

  #isoOf(text: string): string | undefined {
    const iso = ISO.exec(text);
    if (iso) return existing(iso.slice(1, 7));
    const [, first, second, year, hour, minute, seconds] = SLASHED.exec(text) ?? [];
    const [month, day] = this.#dayFirst === undefined ? [first, second] : [second, first];
    return existing([String(Number(year) < 100 ? CENTURY + Number(year) : year), month, day, hour, minute, seconds]);
  }

  #refuse(text: string, line: number): never {
    refuseCell(
      this.#file,
      line,
      COLUMN,
      `"${text.slice(0, 40)}" is no time such as 2010-12-01 08:26:00 or 12/1/10 8:26.`,
    );
  }
}

/** Undefined for a day or time that doesn't exist: JavaScript takes the 30th of February for the 2nd of March. */
function existing([year = '', month, day, hour, minute, seconds]: readonly (string | undefined)[]): string | undefined {
  const two = (text: string | undefined): string => (text ?? '00').padStart(2, '0');
  const iso = `${year}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:${two(seconds)}.000Z`;
  const at = new Date(iso);
  return !Number.isNaN(at.getTime()) && at.toISOString() === iso ? iso : undefined;
}
