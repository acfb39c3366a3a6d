/**
 * The report as an HdrHistogram log, for the tools that read those: one interval for each operation of each measured
 * phase, tagged with side, round, phase and operation.
 */
import * as hdr from 'hdr-histogram-js';
import type { ScenarioReport } from './scenario-report.ts';

const MICROS_PER_MILLI = 1000;

export function hdrLog(report: ScenarioReport): string {
  const lines: string[] = [];
  const writer = new hdr.HistogramLogWriter((line) => lines.push(line));
  writer.outputComment(
    `[Bench ${oneLine(report.scenario)}: recorded values are microseconds, Interval_Max milliseconds]`,
  );
  writer.outputComment('[Timestamps count from the beginning of the load of the round that the tag names]');
  writer.outputLogFormatVersion();
  const startedAt = new Date(report.startedAt);
  writer.outputComment(
    `[StartTime: ${(startedAt.getTime() / 1000).toFixed(3)} (seconds since epoch), ${startedAt.toISOString()}]`,
  );
  writer.outputLegend();
  // Readers that are asked for a range of time stop at the first interval that begins after it.
  for (const { tag, from, seconds, encoded } of intervalsOf(report).sort((a, b) => a.from - b.from)) {
    const histogram = hdr.decodeFromCompressedBase64(encoded);
    histogram.tag = tag;
    writer.outputIntervalHistogram(histogram, from, from + seconds, MICROS_PER_MILLI);
  }
  return lines.join('');
}

function intervalsOf({ sides }: ScenarioReport) {
  return sides.flatMap((side) =>
    side.rounds.flatMap(({ phases }, round) =>
      phases
        .filter(({ measured }) => measured)
        .flatMap(({ name, from, seconds, operations }) =>
          operations.map((operation) => ({
            tag: [side.id, `round-${round + 1}`, name, operation.name].map(tagPart).join(':'),
            from,
            seconds,
            encoded: operation.hdr,
          })),
        ),
    ),
  );
}

/** Commas and white space end a tag. */
function tagPart(text: string): string {
  return text.replaceAll(/[\s,]+/g, '-');
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}
