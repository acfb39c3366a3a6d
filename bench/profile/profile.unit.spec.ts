import { expect } from 'chai';
import { budgetOf } from './budget.ts';
import { type Call, CallTree, type CpuProfile, totalOf } from './call-tree.ts';
import { flameGraph } from './flame-graph.ts';

const ROOT = 'file:///srv/holdfast/dist';

/** Nodes are [id, function, url, ...callees]; samples are [node, microseconds]. */
function profile(
  nodes: readonly (readonly [number, string, string, ...number[]])[],
  samples: readonly (readonly [number, number])[],
  startTime = 0,
): CpuProfile {
  return {
    nodes: nodes.map(([id, functionName, url, ...children]) => ({
      id,
      callFrame: { functionName, url, lineNumber: id },
      children,
    })),
    startTime,
    samples: samples.map(([node]) => node),
    timeDeltas: samples.map(([, micros]) => micros),
  };
}

const ALL = [{ from: 0, to: 1e9 }];
const NODES = [
  [1, '(root)', '', 2, 7, 8],
  [2, 'place', `${ROOT}/actors/order/operations/place-by-http.js`, 3, 5],
  [3, 'append', `${ROOT}/persistence/journal.js`, 4],
  [4, 'writev', ''],
  [5, 'decide', `${ROOT}/actors/order/decide.js`, 6],
  [6, '(garbage collector)', ''],
  [7, '(idle)', ''],
  [8, 'query', 'file:///srv/holdfast/node_modules/pg/lib/client.js'],
] as const;

const shares = (tree: CallTree): Record<string, number> =>
  Object.fromEntries(budgetOf(tree.root).map(({ part, share }) => [part, share]));

describe('the profile of a run', () => {
  let tree: CallTree;
  beforeEach(() => (tree = new CallTree(ROOT)));

  it('counts a call for the nearest caller that has a part', () => {
    const samples = [
      [2, 10],
      [3, 20],
      [4, 30],
      [5, 5],
      [6, 15],
      [8, 20],
    ] as const;
    tree.add(profile(NODES, samples), ALL);
    expect(shares(tree)).to.deep.equal({
      commit: 0.5,
      'PostgreSQL driver': 0.2,
      'garbage collection': 0.15,
      edge: 0.1,
      decide: 0.05,
    });
  });

  it('leaves out idle time, and what lies before and behind the measured windows', () => {
    const samples = [
      [2, 100],
      [7, 100],
      [2, 100],
      [2, 100],
    ] as const;
    tree.add(profile(NODES, samples, 1_000), [{ from: 1_150, to: 1_300 }]);
    expect(totalOf(tree.root)).to.equal(100);
  });

  it('makes one tree of several processes', () => {
    tree.add(profile(NODES, [[3, 7]]), ALL);
    tree.add(profile(NODES, [[3, 5]]), ALL);
    const [place, ...others] = tree.root.callees.values();
    expect(others.map(({ name }: Call) => name)).to.deep.equal(['query']);
    expect(place).to.include({ name: 'place', file: 'actors/order/operations/place-by-http.js', line: 3 });
    expect(totalOf(place!)).to.equal(12);
  });

  it('gives every share of what can not be told as well, so that all of them make up the whole', () => {
    tree.add(
      profile(
        [
          [1, '(root)', '', 2],
          [2, 'processTimers', 'node:internal/timers'],
        ],
        [[2, 50]],
      ),
      ALL,
    );
    expect(Object.values(shares(tree))).to.deep.equal([1]);
  });

  it('draws what can be seen, as text that ends no script', () => {
    tree.add(
      profile(
        [
          [1, '(root)', '', 2, 3],
          [2, '</script><b>', 'x.js'],
          [3, 'tiny', 'y.js'],
        ],
        [
          [2, 1e6],
          [3, 1],
        ],
      ),
      ALL,
    );
    const page = flameGraph(tree.root, 'a < b');
    expect(page).to.contain('<h1>a &lt; b</h1>');
    expect(page.match(/<\/script>/g)).to.have.length(1);
    expect(page).to.not.contain('tiny');
  });
});
