/**
 * Assigns calls to parts of the work: the time of a call counts for the nearest of its callers, itself included, whose
 * file has a part. So the work of Node, the drivers and the garbage collector counts for its caller, if there is one.
 */
import { type Call, totalOf } from './call-tree.ts';

/** The first that matches counts. Files as in {@link Call}. */
const PARTS: readonly (readonly [part: string, files: RegExp])[] = [
  ['auth', /^(http\/(authenticator|middleware\/(caller|rate-limit)|rate-limiter|owner-rate-limiter)\.|jose\/)/],
  [
    'parse and validate',
    /^(http\/(body|schemas\/|parse-input|text-screen)|kernel\/card-|actors\/\w+\/operations\/\S*(terms|request)|zod\/)/,
  ],
  ['edge', /^(http\/|actors\/\w+\/operations\/|koa|@koa\/|worker\.)/],
  [
    'transport between workers',
    /^messaging\/(local-socket\/|peer-router|unanswered-asks|rabbitmq\/rabbitmq-transport)/,
  ],
  ['publish', /^(messaging\/|rabbitmq-client\/)/],
  ['encode', /^persistence\/(event-codec|postgres\/binary-arrays)/],
  ['commit', /^persistence\/(journal|postgres\/journal-store)/],
  ['project', /^persistence\/(projections|postgres\/projection-store)/],
  ['decide', /^actors\//],
  ['dispatch', /^(runtime\/|nact\/|kernel\/|supervisors\/)/],
  ['PostgreSQL driver', /^(pg|pg-protocol|pg-pool)\/|^persistence\//],
  ['HTTP parser and writer', /^node:_http/],
];
const COLLECTION = 'garbage collection';
/** Timers, ticks, reads of sockets: Node's work without a caller. */
const ELSE = 'event loop, and what can not be told';

export interface BudgetPart {
  readonly part: string;
  /** 0 to 1. */
  readonly share: number;
}

/** Shares of the time in a tree, the largest first. */
export function budgetOf(root: Call): BudgetPart[] {
  const times = new Map<string, number>();
  const visit = (call: Call, inherited: string): void => {
    const part = call.name === '(garbage collector)' ? COLLECTION : (partOf(call.file) ?? inherited);
    if (call.self > 0) times.set(part, (times.get(part) ?? 0) + call.self);
    for (const callee of call.callees.values()) visit(callee, part);
  };
  visit(root, ELSE);
  const total = totalOf(root);
  return [...times]
    .map(([part, time]) => ({ part, share: total === 0 ? 0 : time / total }))
    .sort((one, other) => other.share - one.share);
}

function partOf(file: string): string | undefined {
  return PARTS.find(([, files]) => files.test(file))?.[0];
}
