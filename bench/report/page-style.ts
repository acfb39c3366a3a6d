/** The HTML report's style, for light and dark, wide and narrow screens. */

/** In the order in which a plot's lines take them; distinct in both schemes. */
const LINE_COLORS_LIGHT = [
  '#2166c4',
  '#d27a06',
  '#c8322b',
  '#2f8f46',
  '#7c4dbd',
  '#0e8f99',
  '#c2478f',
  '#8a5a33',
  '#78820a',
];
const LINE_COLORS_DARK = [
  '#6ea8ff',
  '#f5a83c',
  '#ff7b72',
  '#5fcf80',
  '#b794f6',
  '#4fd1d9',
  '#f08cc4',
  '#d1a27a',
  '#c9cf5a',
];

export const LINE_COLORS = LINE_COLORS_LIGHT.length;

export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --page: #ffffff; --raised: #f5f7f9; --text: #1c2128; --muted: #59636e; --rule: #d5dbe1;
  --shade: #59636e1f; --mark: #8b1f9c; --bad: #b3261e; --bad-page: #fdecea;
  ${lineColors(LINE_COLORS_LIGHT)}
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #10141a; --raised: #1a2028; --text: #e4e8ec; --muted: #9aa5b1; --rule: #323b45;
    --shade: #9aa5b126; --mark: #e59af0; --bad: #ff8a80; --bad-page: #3a1a1a;
    ${lineColors(LINE_COLORS_DARK)}
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 1240px; padding: 24px 20px 48px;
  background: var(--page); color: var(--text); font: 15px/1.5 system-ui, sans-serif;
}
h1 { margin: 0; font-size: 26px; overflow-wrap: anywhere; }
h2 { margin: 36px 0 8px; font-size: 19px; }
h3 { margin: 0 0 4px; font-size: 15px; }
p { margin: 4px 0; }
.muted { color: var(--muted); }
.headline, .no-figure { margin: 20px 0; padding: 14px 18px; border-radius: 8px; background: var(--raised); }
.headline strong { display: block; font-size: 30px; line-height: 1.2; }
.no-figure { border: 2px solid var(--bad); background: var(--bad-page); overflow-wrap: anywhere; }
.no-figure strong { color: var(--bad); font-size: 20px; }
ul { margin: 6px 0; padding-left: 20px; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.wide th, .wide td {
  padding: 4px 14px 4px 0; border-bottom: 1px solid var(--rule); text-align: left; vertical-align: top;
}
.wide th { color: var(--muted); font-weight: 500; white-space: nowrap; }
.wide td:first-child:not(:last-child) { white-space: nowrap; }
.wide .figure { text-align: right; white-space: nowrap; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 340px), 1fr)); gap: 24px; }
.facts table { width: 100%; }
.facts td:last-child { overflow-wrap: anywhere; }
select { max-width: 100%; padding: 4px 8px; font: inherit; }
#plots {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 520px), 1fr)); gap: 28px 24px;
  margin-top: 16px;
}
#plots figure { min-width: 0; margin: 0; }
.uplot { width: 100%; font-family: inherit; }
.u-legend { text-align: left; font-size: 13px; color: var(--muted); }
.u-legend .u-value { color: var(--text); }
.u-select { background: var(--shade); }
footer { margin-top: 40px; font-size: 13px; }
`;

function lineColors(colors: readonly string[]): string {
  return colors.map((color, index) => `--line-${index}: ${color};`).join(' ');
}
