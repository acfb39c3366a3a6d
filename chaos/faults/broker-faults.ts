/** The faults of RabbitMQ and of the network between it and a node. */
import type { OwnBroker } from '../broker/own-broker.ts';
import type { Fault, InjectedFault } from './fault.ts';

/** The exchange between nodes. */
const NODE_EXCHANGE = 'holdfast.node';

/** The pause before the next start is the fault's duration, so its healing begins at once. */
export const brokerRestart: Fault = {
  kind: 'broker-restart',
  inject: ({ durationMs }, _node, { broker }) => started('stopped and started', broker?.end('SIGTERM', durationMs)),
};

export const brokerKill: Fault = {
  kind: 'broker-kill',
  inject: ({ durationMs }, _node, { broker }) => started('killed and started', broker?.end('SIGKILL', durationMs)),
};

/** For a minute: its port refuses connections, or it stands still with all its connections open. */
export const brokerAway: Fault = {
  kind: 'broker-away',
  inject({ severity }, _node, { broker }) {
    return severity < 0.5 ? started('stopped', broker?.end('SIGTERM', 0)) : started('frozen', broker?.freeze());
  },
};

/** All others reach the broker. */
export const brokerNodeCut: Fault = {
  kind: 'broker-node-cut',
  inject({ severity }, { name, brokerProxy }, { broker }) {
    if (brokerProxy === undefined || !isUp(broker)) return undefined;
    if (severity < 1 / 3) {
      brokerProxy.refuse();
      return { target: `${name}, connections reset and refused`, heal: async () => brokerProxy.accept() };
    }
    const how = severity < 2 / 3 ? 'held' : 'swallowed';
    brokerProxy.openBlackHole(how);
    return { target: `${name}, all connections, bytes ${how}`, heal: async () => brokerProxy.closeBlackHole() };
  },
};

/** The broker has the published messages, and its confirms do not reach the node. */
export const brokerAcksDropped: Fault = {
  kind: 'broker-acks-dropped',
  inject(_planned, { name, brokerProxy }, { broker }) {
    if (brokerProxy === undefined || !isUp(broker)) return undefined;
    let dropped = 0;
    brokerProxy.dropAcks(() => dropped++);
    return {
      get target() {
        return `${name}, ${dropped} confirms lost`;
      },
      heal: async () => brokerProxy.passAcks(),
    };
  },
};

/** As an operator may do by mistake. Connections stay up, but no message reaches the nodes' queues. */
export const brokerExchangeDeleted: Fault = {
  kind: 'broker-exchange-deleted',
  inject(_planned, _node, { broker, consumer }) {
    if (consumer === undefined || !isUp(broker)) return undefined;
    const deleted = consumer.deleteExchange(NODE_EXCHANGE);
    // Its failure is reported at the end.
    deleted.catch(() => undefined);
    return { target: NODE_EXCHANGE, heal: () => deleted };
  },
};

const isUp = (broker: OwnBroker | undefined): boolean => broker?.isUndisturbed === true;

function started(target: string, heal: (() => Promise<void>) | undefined): InjectedFault | undefined {
  return heal && { target: `RabbitMQ ${target}`, heal };
}
