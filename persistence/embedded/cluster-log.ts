/**
 * The server's log file: PostgreSQL and initdb append to it directly, so that it survives this process. Its size is
 * limited. It holds no statements and no values (see server-settings).
 */
import { copyFile, open, stat, truncate, type FileHandle } from 'node:fs/promises';

const LOG_BYTES_MAX = 8 * 1024 * 1024;
const LAST_LINES = 12;
const TAIL_BYTES = 16 * 1024;

export class ClusterLog {
  readonly file: string;

  constructor(file: string) {
    this.file = file;
  }

  /** For a child's stdout and stderr. The caller closes it after the spawn. */
  async openForAppend(): Promise<FileHandle> {
    return await open(this.file, 'a', 0o600);
  }

  async size(): Promise<number> {
    return (await stat(this.file).catch(() => undefined))?.size ?? 0;
  }

  /** What was written after `offset`, at most the last 16 KiB of it. */
  async since(offset: number): Promise<string> {
    const size = await this.size();
    const start = Math.max(offset > size ? 0 : offset, size - TAIL_BYTES);
    if (size <= start) return '';
    const handle = await open(this.file, 'r');
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - start), 0, size - start, start);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await handle.close();
    }
  }

  /** The last lines after `offset`, indented for an error message. */
  async lastLines(offset: number): Promise<string> {
    const lines = (await this.since(offset)).split('\n').filter((line) => line.trim() !== '');
    return lines
      .slice(-LAST_LINES)
      .map((line) => `\n    ${line}`)
      .join('');
  }

  /**
   * Moves a log over its limit aside, replacing the one moved before. The server goes on writing into the same
   * file: it appends, so cutting the file under it is safe; a line written between the copy and the cut is lost.
   */
  async rotateIfLarge(): Promise<void> {
    if ((await this.size()) <= LOG_BYTES_MAX) return;
    await copyFile(this.file, `${this.file}.1`);
    await truncate(this.file, 0);
  }
}
