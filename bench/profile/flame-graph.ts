/**
 * The flame graph: a page of its own that loads nothing. A row a depth of calls, a box a call, as wide as its share of
 * the time; a click shows a call and what it called at full width.
 */
import { escaped, htmlPage, scriptData } from '../report/html-page.ts';
import { type Call, totalOf } from './call-tree.ts';

/** Narrower boxes can't be seen, and would be most of the page. */
const SHARE_MIN = 0.0005;

/** [name, where, share of all, callees] */
type Box = readonly [string, string, number, readonly Box[]];

export function flameGraph(root: Call, title: string): string {
  const total = totalOf(root) || 1;
  const body = `<h1>${escaped(title)}</h1>
<p>As wide as its share of the CPU time. A click shows one call at full width, Escape all of them.
<label>Find <input id="find" type="search" placeholder="function or file"></label> <output id="found"></output></p>
<div id="graph" role="tree" aria-label="calls"></div>
<script>const root = ${scriptData(boxOf(root, total))};${SCRIPT}</script>`;
  return htmlPage(title, STYLE, body);
}

function boxOf(call: Call, total: number): Box {
  const callees = [...call.callees.values()]
    .map((callee) => boxOf(callee, total))
    .filter(([, , share]) => share >= SHARE_MIN)
    .sort((one, other) => other[2] - one[2]);
  const where = call.file === '' ? '' : `${call.file}:${call.line}`;
  return [call.name || 'all', where, totalOf(call) / total, callees];
}

const STYLE = `
:root { color-scheme: light dark; font: 14px system-ui, sans-serif; }
body { margin: 1rem; }
h1 { font-size: 1.2rem; }
#graph { position: relative; }
#graph button { position: absolute; height: 18px; box-sizing: border-box; border: 0.5px solid Canvas; padding: 0 2px;
  font: 11px/17px system-ui, sans-serif; text-align: left; white-space: nowrap; overflow: hidden; cursor: pointer;
  color: #111; background: hsl(var(--hue) 75% 68%); border-radius: 2px; }
#graph button.found { background: #6cf; outline: 1px solid #06c; }
#graph button:focus-visible { outline: 2px solid CanvasText; z-index: 1; }
`;

/** Colours by the file's first folder, so that a part keeps its own. */
const SCRIPT = `
const graph = document.getElementById('graph');
const find = document.getElementById('find');
const hueOf = (where) => {
  const key = where.split('/')[0].split(':').slice(0, 2).join(':');
  let hash = 0;
  for (const letter of key) hash = (hash * 31 + letter.codePointAt(0)) % 360;
  return hash;
};
const percent = (share) => (share * 100).toFixed(share < 0.01 ? 2 : 1) + ' %';
let shown = root;
function draw() {
  graph.replaceChildren();
  const word = find.value.trim().toLowerCase();
  let depthMax = 0, found = 0;
  const visit = (box, left, depth, isFound) => {
    const [name, where, share, callees] = box;
    const width = share / shown[2];
    if (width * graph.clientWidth < 1.5) return;
    depthMax = Math.max(depthMax, depth);
    const element = document.createElement('button');
    const matches = word !== '' && (name + ' ' + where).toLowerCase().includes(word);
    if (matches && !isFound) found += share;
    element.textContent = name;
    element.title = name + '\\n' + where + '\\n' + percent(share) + ' of all';
    element.className = matches ? 'found' : '';
    element.style.cssText = 'left:' + left * 100 + '%;width:' + width * 100 + '%;top:' + depth * 18 + 'px';
    element.style.setProperty('--hue', hueOf(where));
    element.addEventListener('click', () => { shown = box; draw(); });
    graph.append(element);
    for (const callee of callees) { visit(callee, left, depth + 1, isFound || matches); left += callee[2] / shown[2]; }
  };
  visit(shown, 0, 0, false);
  graph.style.height = (depthMax + 1) * 18 + 'px';
  document.getElementById('found').textContent = word === '' ? '' : percent(found) + ' of all';
}
addEventListener('keydown', ({ key }) => { if (key === 'Escape') { shown = root; draw(); } });
addEventListener('resize', draw);
find.addEventListener('input', draw);
draw();
`;
