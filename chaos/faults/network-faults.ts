/** The faults of the network between a node and PostgreSQL; the node's proxy carries them out. */
import { pointedAt } from '../plan.ts';
import type { Fault } from './fault.ts';

const DELAY_MS_MAX = 500;
const over = (): Promise<void> => Promise.resolve();

export const networkDelay: Fault = {
  kind: 'network-delay',
  inject({ severity, target }, node) {
    const toServerMs = Math.round(DELAY_MS_MAX * severity ** 2);
    const toClientMs = Math.round(DELAY_MS_MAX * target ** 2);
    node.proxy.delay(toServerMs, toClientMs);
    return {
      target: `${node.name}, ${toServerMs} ms there and ${toClientMs} ms back`,
      heal: () => {
        node.proxy.delay(0, 0);
        return over();
      },
    };
  },
};

export const networkCut: Fault = {
  kind: 'network-cut',
  inject({ severity }, node) {
    const all = node.proxy.connections;
    const cut = all.filter((_, index) => severity > 0.5 || index % 2 === 0);
    if (cut.length === 0) return undefined;
    for (const connection of cut) connection.cut();
    return { target: `${node.name}, ${cut.length} of ${all.length} sessions`, heal: over };
  },
};

export const networkBlackHole: Fault = {
  kind: 'network-black-hole',
  inject({ severity }, node) {
    const how = severity < 0.5 ? 'held' : 'swallowed';
    node.proxy.openBlackHole(how);
    return {
      target: `${node.name}, all sessions, bytes ${how}`,
      stops: node,
      heal: () => {
        node.proxy.closeBlackHole();
        return over();
      },
    };
  },
};

/** PostgreSQL commits, and the answer does not reach the node. */
export const answerCut: Fault = {
  kind: 'answer-cut',
  inject({ target }, node) {
    const session = pointedAt(node.proxy.journalSessions, target);
    if (session === undefined) return undefined;
    let isCut = false;
    session.cutNextAnswer(() => (isCut = true));
    return {
      get target() {
        return `${node.name}, ${session.name}${isCut ? '' : ' (no statement came)'}`;
      },
      heal: () => {
        session.spareNextAnswer();
        return over();
      },
    };
  },
};

/** PostgreSQL has written the rows and waits for the commit, which comes late or never. */
export const statementWithheld: Fault = {
  kind: 'statement-withheld',
  inject({ target, severity }, node) {
    const session = pointedAt(node.proxy.journalSessions, target);
    if (session === undefined) return undefined;
    const end = severity < 0.5 ? 'delivered' : 'cut';
    let hasBegun = false;
    session.withholdNextStatement(() => (hasBegun = true));
    return {
      get target() {
        return `${node.name}, ${session.name}, ${hasBegun ? `then ${end}` : 'no statement came'}`;
      },
      heal: () => {
        session.endWithholding(end);
        return over();
      },
    };
  },
};
