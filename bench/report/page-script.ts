/**
 * The HTML report's script: it draws the plots of the chosen round with uPlot, in the colours of the screen's scheme.
 * It is text because it is no part of the program; report-plots.ts makes its data.
 */
import { percentilePosition } from './report-plots.ts';
import { LINE_COLORS } from './page-style.ts';

const TICKS = [50, 90, 99, 99.9, 99.99].map((percent) => ({ percent, position: percentilePosition(percent) }));

export const PAGE_SCRIPT = `'use strict';
(() => {
  const TICKS = ${JSON.stringify(TICKS)};
  const PLOT_HEIGHT = 220;
  const FONT = 'px system-ui, sans-serif';
  const SHOWN_LETTERS_MIN = 5;
  const rounds = JSON.parse(document.getElementById('plot-data').textContent);
  const choice = document.getElementById('round');
  const place = document.getElementById('plots');
  const markList = document.getElementById('marks');
  let drawn = [];

  const element = (tag, textContent) => Object.assign(document.createElement(tag), { textContent });
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();
  /** Of what is under the cursor: null where there is no cursor, or no value. */
  const shown = (value, text) => (value == null ? '–' : text(value));
  const number = (value) =>
    value.toLocaleString('en-US', value >= 1000 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 4 });
  const percent = (position) => Number((100 * (1 - 10 ** -position)).toPrecision(6)) + ' %';

  /** In canvas pixels; all hooks below draw within the plotting area, or just above it. */
  const frame = (plot) => {
    const { left, top, width, height } = plot.bbox;
    const at = (seconds) => Math.min(Math.max(plot.valToPos(seconds, 'x', true), left), left + width);
    return { left, top, right: left + width, bottom: top + height, at, px: uPlot.pxRatio };
  };

  /** Shortened to the width; empty rather than an ambiguous stump. */
  const fitting = (context, text, width) => {
    const fits = (part) => context.measureText(part).width <= width;
    if (fits(text)) return text;
    let length = text.length - 1;
    while (length > 0 && !fits(text.slice(0, length) + '…')) length--;
    return length < SHOWN_LETTERS_MIN ? '' : text.slice(0, length) + '…';
  };

  const withContext = (plot, draw) => {
    const { ctx } = plot;
    ctx.save();
    ctx.font = 11 * uPlot.pxRatio + FONT;
    ctx.textAlign = 'left';
    ctx.textBaseline = 'alphabetic';
    draw(ctx, frame(plot));
    ctx.restore();
  };

  const shadeWarmUp = (phases) => (plot) =>
    withContext(plot, (context, { top, bottom, at }) => {
      context.fillStyle = color('shade');
      for (const { from, to, isWarmUp } of phases) {
        if (isWarmUp) context.fillRect(at(from), top, at(to) - at(from), bottom - top);
      }
    });

  /** Above the plot, each as far as its phase reaches. */
  const namePhases = (phases) => (plot) =>
    withContext(plot, (context, { top, bottom, left, at, px }) => {
      context.strokeStyle = color('rule');
      context.fillStyle = color('muted');
      for (const { name, from, to } of phases) {
        const x = at(from);
        if (x > left) context.strokeRect(x, top, 0, bottom - top);
        context.fillText(fitting(context, name, at(to) - x - 2 * px), x + px, top - 5 * px);
      }
    });

  /** One below the other where they would cover each other. */
  const drawMarks = (marks) => (plot) =>
    withContext(plot, (context, { left, right, top, bottom, px }) => {
      const lineHeight = 15 * px;
      const rowEnds = [];
      for (const { at, text } of marks) {
        const x = plot.valToPos(at, 'x', true);
        if (x < left || x > right) continue;
        context.strokeStyle = context.fillStyle = color('mark');
        context.setLineDash([4 * px, 3 * px]);
        context.lineWidth = px;
        context.strokeRect(x, top, 0, bottom - top);
        const label = fitting(context, text, right - left - 8 * px);
        const width = context.measureText(label).width;
        const start = Math.max(left, Math.min(x + 4 * px, right - width - 2 * px));
        let row = 0;
        while (rowEnds[row] > start) row++;
        rowEnds[row] = start + width + 8 * px;
        const base = top + (row + 1) * lineHeight;
        // A halo keeps it readable on a line without hiding the line.
        context.setLineDash([]);
        context.lineWidth = 3 * px;
        context.strokeStyle = color('page');
        context.strokeText(label, start, base);
        context.fillText(label, start, base);
      }
    });

  const axes = ({ x }) => {
    const grid = { stroke: color('rule'), width: 1 };
    const look = { stroke: color('muted'), grid, ticks: { show: false }, font: 12 + FONT };
    const horizontal =
      x === 'seconds'
        ? { values: (_, splits) => splits.map((split) => number(split) + ' s') }
        : {
            splits: () => TICKS.map(({ position }) => position),
            values: () => TICKS.map(({ percent }) => percent + ' %'),
          };
    const vertical = { values: (_, splits) => splits.map((split) => (split === null ? null : number(split))) };
    return [
      { ...look, ...horizontal, size: 30 },
      { ...look, ...vertical, size: 58 },
    ];
  };

  const seriesOf = ({ label, isReference }, index) => ({
    label,
    width: isReference ? 1 : 1.5,
    dash: isReference || index >= ${LINE_COLORS} ? [6, 4] : [],
    stroke: color(isReference ? 'muted' : 'line-' + (index % ${LINE_COLORS})),
    points: { show: false },
    value: (_, value) => shown(value, number),
  });

  const optionsOf = (plot, { phases, marks }, width) => {
    const isOverTime = plot.x === 'seconds';
    return {
      width,
      height: PLOT_HEIGHT,
      padding: [20, 24, 0, 0],
      cursor: { y: false, ...(isOverTime && { sync: { key: 'seconds' } }) },
      scales: {
        x: { time: false, ...(!isOverTime && { range: [TICKS[0].position, TICKS.at(-1).position] }) },
        y:
          plot.scale === 'logarithmic'
            ? { distr: 3 }
            : { range: (_, least, most) => uPlot.rangeNum(0, most || 1, 0.1, true) },
      },
      axes: axes(plot),
      series: [
        isOverTime
          ? { label: 'second', value: (_, x) => shown(x, number) }
          : { label: 'percentile', value: (_, x) => shown(x, percent) },
        ...plot.lines.map(seriesOf),
      ],
      hooks: isOverTime
        ? { drawClear: [shadeWarmUp(phases)], drawAxes: [namePhases(phases)], draw: [drawMarks(marks)] }
        : {},
    };
  };

  const draw = () => {
    const round = rounds[choice.value];
    for (const plot of drawn) plot.destroy();
    markList.replaceChildren(...round.marks.map(({ at, text }) => element('li', at.toFixed(1) + ' s: ' + text)));
    const figures = round.plots.map(({ title }) => {
      const figure = document.createElement('figure');
      figure.append(element('h3', title));
      return figure;
    });
    place.replaceChildren(...figures);
    drawn = round.plots.map((plot, index) => {
      const data = [plot.xValues, ...plot.lines.map(({ values }) => values)];
      return new uPlot(optionsOf(plot, round, figures[index].clientWidth), data, figures[index]);
    });
  };

  const resize = () => {
    for (const plot of drawn) plot.setSize({ width: plot.root.parentElement.clientWidth, height: PLOT_HEIGHT });
  };

  if (rounds.length === 0) return;
  choice.addEventListener('change', draw);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
  addEventListener('resize', resize);
  draw();
})();
`;
