/**
 * Makes every logger of the program: JSON lines on standard output with ISO times and names of levels, without secrets.
 * Equal warnings and errors are one line and then a count: an outage of seconds must not hide its cause.
 *
 * Fields: `reason` is the text of a failure that can happen, `err` an error that needs a stack, `<thing>Id` an
 * identity, `<what>Ms` a duration. The message says what happened, in plain words.
 */
import { pino, type DestinationStream, type Logger, type LogFn } from 'pino';
import { systemClock, type Clock, type Timer } from './clock.ts';
import { isOutage, messageOf } from './errors.ts';
import { redactSecrets } from './redact.ts';
import { RepeatedCauses, type RepeatedCause } from './repeated-causes.ts';

/** pino's numbers. Fatal is never folded: it is the last line of a process. */
const WARN = 40;
const FATAL = 60;
const SUMMARY_INTERVAL_MS = 1_000;
/** A summary names so many of those that it counts. */
const NAMED_MAX = 10;
/** Causes whose occurrences are remembered by identity. */
const NAMED_CAUSES_MAX = 200;
const REASON_CHARS_MAX = 1_000;
/** Fields that tell one occurrence of a cause from another. */
const IDENTITIES = ['entityId', 'orderId', 'messageId', 'requestId', 'workerId', 'shard'] as const;

export interface LoggerOptions {
  readonly level: string;
  /** On each line: which process it is. */
  readonly base: Readonly<Record<string, unknown>>;
  /** Standard output if left out. */
  readonly destination?: DestinationStream;
  readonly clock?: Pick<Clock, 'monotonicMs' | 'every'>;
}

interface Occurrence {
  readonly write: (fields: object, message: string) => void;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
  readonly named: Map<string, Set<unknown>>;
}

export function createLogger({ level, base, destination, clock = systemClock }: LoggerOptions): Logger {
  const folding = new Folding(clock);
  const options = {
    level,
    base,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: serializeError },
    hooks: {
      logMethod(this: Logger, args: Parameters<LogFn>, method: LogFn, number: number) {
        if (number < WARN || number >= FATAL || folding.isNew(this, args, method)) method.apply(this, args);
      },
      streamWrite: redactSecrets,
    },
  };
  return destination ? pino(options, destination) : pino(options);
}

/** Holds back lines that repeat, and sums them up. */
class Folding {
  readonly #causes: RepeatedCauses<Occurrence>;
  readonly #named = new Map<string, Map<string, Set<unknown>>>();
  readonly #clock: Pick<Clock, 'monotonicMs' | 'every'>;
  #timer: Timer | undefined;
  #atExit = false;

  constructor(clock: Pick<Clock, 'monotonicMs' | 'every'>) {
    this.#clock = clock;
    this.#causes = new RepeatedCauses(clock);
  }

  isNew(log: Logger, args: Parameters<LogFn>, method: LogFn): boolean {
    const { fields, message } = partsOf(args);
    const cause = `${message}\n${causeOf(fields)}`;
    const named = this.#namedBy(cause, fields);
    const write = (summed: object, text: string): void => method.apply(log, [summed, text] as Parameters<LogFn>);
    const isNew = this.#causes.occurred(cause, { write, fields, message, named });
    if (isNew) named.clear();
    this.#timer ??= this.#clock.every(SUMMARY_INTERVAL_MS, () => this.#sumUp(false), { unref: true });
    if (!this.#atExit) process.once('exit', () => this.#sumUp(true));
    this.#atExit = true;
    return isNew;
  }

  #sumUp(all: boolean): void {
    for (const repeated of this.#causes.takeDue(all)) writeSummary(repeated);
    if (!this.#causes.isEmpty) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#named.clear();
  }

  #namedBy(cause: string, fields: Readonly<Record<string, unknown>>): Map<string, Set<unknown>> {
    const named = this.#named.get(cause) ?? new Map<string, Set<unknown>>();
    if (this.#named.size < NAMED_CAUSES_MAX) this.#named.set(cause, named);
    for (const name of IDENTITIES) {
      const value = fields[name];
      if (value === undefined) continue;
      const values = named.get(name) ?? new Set();
      if (values.size < NAMED_MAX) values.add(value);
      named.set(name, values);
    }
    return named;
  }
}

function writeSummary({ times, seconds, last }: RepeatedCause<Occurrence>): void {
  const fields: Record<string, unknown> = { ...last.fields, times, seconds };
  if (fields['err'] !== undefined) {
    fields['reason'] = messageOf(fields['err']);
    delete fields['err']; // the first line has its stack
  }
  for (const [name, values] of last.named) {
    if (values.size > 1) {
      delete fields[name];
      fields[`${name}s`] = [...values];
    }
  }
  last.named.clear();
  last.write(fields, `${last.message} (${times} more in ${seconds} s)`);
}

function partsOf([first, second]: Parameters<LogFn>): { fields: Record<string, unknown>; message: string } {
  if (typeof first === 'string') return { fields: {}, message: first };
  if (first instanceof Error) return { fields: { err: first }, message: String(second ?? first.message) };
  return { fields: (first ?? {}) as Record<string, unknown>, message: String(second ?? '') };
}

/** Numbers differ from one occurrence to the next: a process id, milliseconds, a port of the client's. */
function causeOf({ reason, err }: Readonly<Record<string, unknown>>): string {
  const text = typeof reason === 'string' ? reason : err === undefined ? '' : messageOf(err);
  return text.slice(0, REASON_CHARS_MAX).replace(/\d+/g, '#');
}

/** The stack of a failure from outside adds nothing to its message; the stack of a defect is what a person needs. */
function serializeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  if (!isOutage(error)) return pino.stdSerializers.err(error);
  return { type: error.name, message: messageOf(error), code: (error as { code?: unknown }).code };
}
