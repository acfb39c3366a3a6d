/**
 * Which way leads to a worker: within a node its socket; to another node RabbitMQ, where both have it, and while it is
 * away the socket still, if they are on one machine.
 */
import type { Ask } from '../actors/ask.ts';
import type { ShardReply } from '../actors/entity/entity-host.ts';
import { elsewhere, failed } from '../actors/entity/entity-shell.ts';
import type { PeerTransport, WorkerId } from '../actors/sharding/peers.ts';
import type { Member } from '../persistence/ports.ts';

export interface PeerRouterDeps {
  readonly me: Pick<Member, 'nodeId' | 'host'>;
  /** Undefined for a worker that is no member. */
  readonly memberOf: (worker: WorkerId) => Member | undefined;
  readonly sockets: PeerTransport;
  /** Absent: this node has no broker. */
  readonly broker?: { readonly transport: PeerTransport; isUp(): boolean };
}

export class PeerRouter implements PeerTransport {
  readonly #deps: PeerRouterDeps;

  constructor(deps: PeerRouterDeps) {
    this.#deps = deps;
  }

  ask(owner: WorkerId, ask: Ask, internal: boolean, reply: ShardReply): void {
    const member = this.#deps.memberOf(owner);
    if (!member) return reply(elsewhere('no', `worker ${owner} is no member`));
    const way = this.#wayTo(member);
    if (way) way.ask(owner, ask, internal, reply);
    else reply(failed('unavailable', `worker ${owner} is on another machine, and there is no broker between them`));
  }

  #wayTo({ nodeId, host, hasBroker }: Member): PeerTransport | undefined {
    const { me, sockets, broker } = this.#deps;
    if (nodeId === me.nodeId) return sockets;
    const onThisMachine = host === me.host;
    if (broker && hasBroker && (broker.isUp() || !onThisMachine)) return broker.transport;
    return onThisMachine ? sockets : undefined;
  }
}
