/**
 * Reads V8's CPU profiles (`node --cpu-prof`): many samples of several processes become one tree of calls
 * with the time spent in each. Times are microseconds; those of a profile are on the machine's monotonic clock.
 */

/** The part of a .cpuprofile file that is used. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
    readonly children?: readonly number[];
  }[];
  readonly startTime: number;
  /** The top node at each sample. */
  readonly samples: readonly number[];
  /** Since the sample before. */
  readonly timeDeltas: readonly number[];
}

export interface TimeWindow {
  readonly from: number;
  readonly to: number;
}

export interface Call {
  /** Empty for the tree's root, `(anonymous)` for a function without a name. */
  readonly name: string;
  /** From the project's root, or `node:...`, or a package's name and the path in it; empty where there is no file. */
  readonly file: string;
  /** From 1; 0 where it has none. */
  readonly line: number;
  /** In itself. */
  self: number;
  readonly callees: Map<string, Call>;
}

/** V8's own entries that stand for no work. */
const NO_WORK = new Set(['(idle)']);
const PACKAGE = /.*\/node_modules\//;

export class CallTree {
  readonly root: Call = newCall('', '', 0);
  readonly #rootUrl: string;

  /** @param rootUrl of the folder that files are named from. */
  constructor(rootUrl: string) {
    this.#rootUrl = rootUrl.endsWith('/') ? rootUrl : `${rootUrl}/`;
  }

  /** Adds the samples within the windows. */
  add(profile: CpuProfile, windows: readonly TimeWindow[]): void {
    const calls = this.#callsOf(profile);
    let at = profile.startTime;
    profile.samples.forEach((id, index) => {
      const delta = profile.timeDeltas[index]!;
      at += delta;
      const call = calls.get(id);
      if (call && windows.some(({ from, to }) => at > from && at <= to)) call.self += delta;
    });
  }

  /** The call in the tree for each node of a profile; none for what is no work. */
  #callsOf({ nodes }: CpuProfile): Map<number, Call> {
    const byId = new Map(nodes.map((node) => [node.id, node]));
    const calls = new Map<number, Call>();
    const visit = (id: number, caller: Call): void => {
      const node = byId.get(id);
      if (!node || NO_WORK.has(node.callFrame.functionName)) return;
      const call = node.callFrame.functionName === '(root)' ? caller : this.#callee(caller, node.callFrame);
      calls.set(id, call);
      for (const child of node.children ?? []) visit(child, call);
    };
    if (nodes[0]) visit(nodes[0].id, this.root);
    return calls;
  }

  #callee(caller: Call, { functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): Call {
    const file = url.startsWith(this.#rootUrl) ? url.slice(this.#rootUrl.length) : url.replace(PACKAGE, '');
    const line = lineNumber + 1;
    const key = `${functionName} ${file}:${line}`;
    let call = caller.callees.get(key);
    if (!call) caller.callees.set(key, (call = newCall(functionName || '(anonymous)', file, line)));
    return call;
  }
}

/** Of a call and all that it called. */
export function totalOf(call: Call): number {
  let total = call.self;
  for (const callee of call.callees.values()) total += totalOf(callee);
  return total;
}

function newCall(name: string, file: string, line: number): Call {
  return { name, file, line, self: 0, callees: new Map() };
}
