/** Formats numbers and tables for people. Programs read `--json` instead. */

const COUNT = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 0 });

/** 1234567 -> "1,234,567" */
export function count(value: number): string {
  return COUNT.format(value);
}

/** "0:07", "12:30", "1:02:03" */
export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const twoDigits = (part: number): string => String(part).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  if (hours > 0) return `${hours}:${twoDigits(minutes)}:${twoDigits(seconds % 60)}`;
  return `${minutes}:${twoDigits(seconds % 60)}`;
}

/** Columns as wide as their widest cell, two spaces between them, no space at a line's end. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, index) => (widths[index] = Math.max(widths[index] ?? 0, cell.length)));
  return rows
    .map((row) =>
      row
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
