/**
 * The frame of every command: reads its arguments, prints its help, and turns a thrown error into one clear message and
 * an exit code. A message ends with the remedy; a stack is shown only for a defect of ours.
 */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { ConfigError } from '../../config/config-error.ts';
import { StartupError } from '../../kernel/errors.ts';
import { redactSecrets } from '../../kernel/redact.ts';
import { EmbeddedPostgresError } from '../../persistence/embedded/embedded-postgres-error.ts';

export const EXIT_OK = 0;
/** The work was done and its verdict is bad. */
export const EXIT_BAD_VERDICT = 1;
/** The arguments can't be understood. */
const EXIT_USAGE = 2;
const EXIT_DEFECT = 70;

/** Arguments that can't be understood: shown with the usage. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The work could not be done; the message names the reason and the remedy. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

export interface CommandDescription {
  readonly name: string;
  readonly usage: string;
  /** The exit code when the work could not be done at all. */
  readonly exitWhenImpossible: number;
}

export const HELP_OPTION = { help: { type: 'boolean', short: 'h', default: false } } as const;

type Options = NonNullable<ParseArgsConfig['options']>;

/** @throws UsageError for an unknown option, a missing value, or more than `positionalsMax` other arguments. */
export function parseCommandLine<const O extends Options>(args: readonly string[], options: O, positionalsMax: number) {
  try {
    const parsed = parseArgs({ args: [...args], options, allowPositionals: positionalsMax > 0, strict: true });
    const surplus = parsed.positionals[positionalsMax];
    if (surplus !== undefined) throw new UsageError(`"${surplus}" is one argument too many`);
    return parsed;
  } catch (error) {
    // parseArgs throws TypeErrors with a code and a message for people.
    if (error instanceof TypeError && 'code' in error) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

/** @throws UsageError naming the option and its range. */
export function numberOption(option: string, text: string, min: number, max: number): number {
  const value = /^\d{1,15}(\.\d{1,6})?$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(`--${option} "${text}" is no number from ${min} to ${max}`);
}

/** @throws UsageError naming the option and its range. */
export function wholeNumberOption(option: string, text: string, min: number, max: number): number {
  const value = numberOption(option, text, min, max);
  if (Number.isInteger(value)) return value;
  throw new UsageError(`--${option} "${text}" is no whole number from ${min} to ${max}`);
}

/** Runs a command to its exit code; never throws. `work` answers with the code. */
export async function runCommand(command: CommandDescription, work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof UsageError) {
      say(`${command.name}: ${error.message}\n\n${command.usage}`);
      return EXIT_USAGE;
    }
    if (isForPeople(error)) {
      say(`${command.name}: ${error.message}\n`);
      return command.exitWhenImpossible;
    }
    say(`${command.name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return EXIT_DEFECT;
  }
}

/** An error may quote a URL with its password. */
function say(text: string): void {
  process.stderr.write(redactSecrets(text));
}

function isForPeople(error: unknown): error is Error {
  return (
    error instanceof CommandError ||
    error instanceof ConfigError ||
    error instanceof StartupError ||
    error instanceof EmbeddedPostgresError
  );
}
