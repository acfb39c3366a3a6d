/**
 * The file of `--json FILE`. Its folder is checked before the work begins: a mistyped path must not cost an hour's
 * result.
 */
import { constants } from 'node:fs';
import { access, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { callerPath } from '../../config/caller-path.ts';
import { messageOf } from '../../kernel/errors.ts';
import { CommandError } from './command-line.ts';

export interface ReportFile {
  /** Writes the report as indented JSON. */
  write(report: unknown): Promise<void>;
}

/** @throws CommandError where no such file can be written. Undefined makes a report file that writes nothing. */
export async function openReportFile(argument: string | undefined): Promise<ReportFile> {
  if (argument === undefined) return { write: () => Promise.resolve() };
  const file = callerPath(argument);
  const refuse = (reason: string): never => {
    throw new CommandError(
      `--json ${argument} can't be written: ${reason}. Name a file in a folder that you may write.`,
    );
  };
  try {
    await access(path.dirname(file), constants.W_OK);
  } catch (error) {
    refuse(messageOf(error));
  }
  const existing = await stat(file).catch(() => undefined);
  if (existing?.isDirectory()) refuse('it is a folder');
  return {
    write: async (report) => {
      await writeFile(file, `${JSON.stringify(report, null, 2)}\n`).catch((error: unknown) => refuse(messageOf(error)));
    },
  };
}
