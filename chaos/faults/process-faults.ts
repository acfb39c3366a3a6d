/** The faults of processes: they are killed without warning, or frozen and go on later. */
import { signal } from '../nodes/own-processes.ts';
import { pointedAt } from '../plan.ts';
import type { Fault } from './fault.ts';

const over = (): Promise<void> => Promise.resolve();

export const workerKill: Fault = {
  kind: 'worker-kill',
  inject({ target }, node) {
    const pid = pointedAt(node.workerPids, target);
    if (pid === undefined) return undefined;
    signal(pid, 'SIGKILL');
    return { target: `${node.name}, worker ${pid}`, heal: over };
  },
};

export const workerFreeze: Fault = {
  kind: 'worker-freeze',
  inject({ target }, node) {
    const pid = pointedAt(node.workerPids, target);
    if (pid === undefined) return undefined;
    signal(pid, 'SIGSTOP');
    return {
      target: `${node.name}, worker ${pid}`,
      heal: () => {
        signal(pid, 'SIGCONT');
        return over();
      },
    };
  },
};

/** The pause before the next start is the fault's duration, so its healing begins at once. */
export const primaryKill: Fault = {
  kind: 'primary-kill',
  inject({ durationMs }, node) {
    const pid = node.primaryPid;
    const heal = node.killPrimary(durationMs);
    return heal && { target: `${node.name}, primary ${pid}`, stops: node, heal };
  },
};

export const nodeFreeze: Fault = {
  kind: 'node-freeze',
  inject(_planned, node) {
    const { primaryPid, workerPids } = node;
    if (primaryPid === undefined) return undefined;
    const pids = [primaryPid, ...workerPids];
    for (const pid of pids) signal(pid, 'SIGSTOP');
    return {
      target: `${node.name}, processes ${pids.join(' ')}`,
      stops: node,
      heal: () => {
        for (const pid of pids) signal(pid, 'SIGCONT');
        return over();
      },
    };
  },
};

export const postgresKill: Fault = {
  kind: 'postgres-kill',
  inject(_planned, _node, { database }) {
    const { pid } = database;
    try {
      database.kill();
    } catch {
      // It is being started again after the last time.
      return undefined;
    }
    return { target: `postmaster ${pid}`, stops: 'all', heal: () => database.restarted(pid) };
  },
};
