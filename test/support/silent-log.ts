/** A logger for tests: keeps what was written instead of showing it. */
import { pino, type Logger } from 'pino';

export interface KeptLog {
  readonly log: Logger;
  /** Lines as objects, oldest first. */
  readonly lines: Readonly<Record<string, unknown>>[];
}

export function keptLog(): KeptLog {
  const lines: Record<string, unknown>[] = [];
  const log = pino(
    { level: 'debug' },
    { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  );
  return { log, lines };
}

export const silentLog: Logger = pino({ level: 'silent' });
