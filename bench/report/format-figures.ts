/** Formats a single figure: three significant digits, `-` for an unmeasured one. */

const ABSENT = '-';

export function formatCount(value: number | undefined): string {
  return value === undefined ? ABSENT : Math.round(value).toLocaleString('en-US');
}

/** Fewer decimals the greater it is: 0.84, 12.3, 1,240. */
export function formatMillis(value: number | undefined): string {
  if (value === undefined) return ABSENT;
  if (value >= 100) return formatCount(value);
  return value.toFixed(value >= 10 ? 1 : 2);
}

export function formatRatio(value: number): string {
  return value.toFixed(2);
}
