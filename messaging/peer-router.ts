/** Sends each ask by the way that leads to its worker now, as it is measured: see peer-watch.ts. */
import { elsewhere, failed, type Ask } from '../runtime/ask.ts';
import type { ShardReply } from '../runtime/entity/entity-host.ts';
import type { PeerTransport, WorkerId } from '../runtime/sharding/peers.ts';
import type { Route } from './peer-watch.ts';

export class PeerRouter implements PeerTransport {
  readonly #routes: { routeTo(worker: WorkerId): Route | undefined };

  constructor(routes: { routeTo(worker: WorkerId): Route | undefined }) {
    this.#routes = routes;
  }

  ask(owner: WorkerId, ask: Ask, internal: boolean, reply: ShardReply): void {
    const route = this.#routes.routeTo(owner);
    if (!route) reply(elsewhere('no', `worker ${owner} is no member`));
    // Not worth the asker's whole time: another node may reach it.
    else if (route.isCut) reply(failed('unavailable', `worker ${owner} can't be reached from here`));
    else route.transport.ask(owner, ask, internal, reply);
  }
}
