/** The common parts of the peers as targets: their settings, and their own tables as the judge. */
import { verifyPeer } from '../peers/shop/verify.ts';
import type { Target, TargetPlace } from './target.ts';

interface PeerTarget extends Pick<Target, 'name' | 'id' | 'program'> {
  /** Of a worker's pool. */
  readonly connections: number;
  /** SQL: whether order `o` is one that it would take to its end after a restart; left out: none. */
  readonly isUnderWay?: string;
}

export function peerTarget({ name, id, program, connections, isUnderWay }: PeerTarget): Target {
  return {
    ...{ name, id, program },
    environment: (place: TargetPlace) => ({
      DATABASE_URL: place.databaseUrl,
      PORT: String(place.port),
      JWT_SECRET: place.jwtSecret,
      WORKERS: String(place.workers),
      POOL: String(connections),
    }),
    verify: async (databaseUrl, ordersAnswered) => {
      const problems = await verifyPeer(databaseUrl, ordersAnswered, isUnderWay);
      return problems.length === 0 ? { kind: 'clean', by: 'its own tables' } : { kind: 'violated', problems };
    },
  };
}
