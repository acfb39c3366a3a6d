/**
 * Owns what this worker has measured of the ways to the others. Twice a second it pings each peer over each way that an
 * ask could take, with an ask, so that what it finds out is what asks will meet. The first way that answers carries the
 * asks; a peer that answers by none for a while is listed as out of reach, and every worker sees that list in the
 * database (see runtime/sharding/reachable-group.ts).
 *
 *   peer:  new --a ping answered--> reached --none answered, tries enough--> listed --answers, steadily--> reached
 *
 * Silence of a peer that answers asks is none: it has much to do. A peer that comes and goes must answer the longer
 * before it counts again, or shards would move all the time.
 */
import type { Logger } from 'pino';
import type { Answer, Ask } from '../runtime/ask.ts';
import type { PeerTransport, WorkerId } from '../runtime/sharding/peers.ts';
import type { Clock, Timer } from '../kernel/clock.ts';
import type { Member } from '../persistence/ports.ts';

/** A way to the other workers, which counts what each of them has answered. */
export interface Way extends PeerTransport {
  /** Grows with each answer of that worker. */
  answersFrom(worker: WorkerId): number;
}

export interface PeerWatchDeps {
  readonly me: Pick<Member, 'workerId' | 'nodeId' | 'host' | 'hasBroker'>;
  readonly sockets: Way;
  /** Absent: this node has no broker. */
  readonly broker?: Way;
  readonly clock: Clock;
  readonly log: Logger;
  /** Who is out of reach is not who it was. */
  readonly changed: () => void;
}

/** Where asks for a worker go. */
export interface Route {
  /** The best way that answers, or the best one where none does. */
  readonly transport: PeerTransport;
  /** It answers by none, and has not for a while. */
  readonly isCut: boolean;
}

const PING_TO = 'ping';
const PING: Ask = { to: PING_TO, commandId: '', until: 'durable', timeoutMs: 1_500 };
const PONG: Answer = { kind: 'done', value: null, replayed: false, version: 0, origin: { shard: 0, seq: 0 } };

export const PING_INTERVAL_MS = 500;
/** In one round, over all peers: of more peers each is pinged less often. */
const PINGS_PER_ROUND_MAX = 128;
/** Longer than a connection takes to come back by itself, and short enough that shards are served again within 5 s. */
export const UNREACHED_AFTER_MS = 2_000;
const FAILURES_MIN = 2;
/** So long a listed peer must answer before it counts again; twice as long after each relapse. */
export const STEADY_MS = 3_000;
const STEADY_MS_MAX = 60_000;
/** A peer that was well for so long has no relapses. */
const RELAPSE_WINDOW_MS = 120_000;
/** A round that comes so late finds answers unread: this worker stood still, and silence proves nothing. */
const ROUND_LATE_MS = 1_000;

interface Track {
  readonly name: 'RabbitMQ' | 'sockets';
  readonly transport: Way;
  /** Answered last; undefined before the first result. */
  isGood: boolean | undefined;
  failures: number;
  lastGoodMs: number;
  lastBadMs: number;
  /** Without a failure since. */
  goodSinceMs: number;
  answers: number;
  reason: string;
}

class Peer implements Route {
  readonly member: Member;
  readonly tracks: readonly Track[];
  isCut = false;
  steadyMs = STEADY_MS;
  uncutAtMs = -Infinity;

  constructor(member: Member, tracks: readonly Track[]) {
    this.member = member;
    this.tracks = tracks;
  }

  get transport(): PeerTransport {
    return (this.tracks.find(({ isGood }) => isGood === true) ?? this.tracks[0]!).transport;
  }
}

/** Answers a ping. @returns false: the ask is none. */
export function answerPing(ask: Ask, reply: (answer: Answer) => void): boolean {
  if (ask.to !== PING_TO) return false;
  reply(PONG);
  return true;
}

export class PeerWatch {
  readonly #deps: PeerWatchDeps;
  readonly #peers = new Map<WorkerId, Peer>();
  /** Our own queue, by the broker: proof that what others send here arrives. */
  readonly #own: Track | undefined;
  readonly #timer: Timer;
  #roundMs: number;
  /** Where the next round begins, if not all peers have a place in one. */
  #next = 0;
  #ownIsGood = false;
  #ownFailed = false;

  constructor(deps: PeerWatchDeps) {
    this.#deps = deps;
    this.#roundMs = deps.clock.monotonicMs();
    this.#own = deps.broker && this.#track('RabbitMQ', deps.broker);
    this.#timer = deps.clock.every(PING_INTERVAL_MS, () => this.look(), { unref: true });
  }

  /** Whom there is to reach. Newcomers are pinged at once. */
  watch(members: ReadonlyMap<WorkerId, Member>): void {
    const { me } = this.#deps;
    for (const worker of this.#peers.keys()) if (!members.has(worker)) this.#peers.delete(worker);
    for (const [worker, member] of members) {
      if (worker === me.workerId || this.#peers.has(worker)) continue;
      const peer = new Peer(member, this.#waysTo(member));
      this.#peers.set(worker, peer);
      this.#ping(worker, peer.tracks);
    }
  }

  /** Undefined: no member, as far as this worker knows. */
  routeTo(worker: WorkerId): Route | undefined {
    return this.#peers.get(worker);
  }

  /** It has answered, and is not out of reach. */
  reaches(worker: WorkerId): boolean {
    const peer = this.#peers.get(worker);
    return peer !== undefined && !peer.isCut && peer.tracks.some(({ isGood }) => isGood === true);
  }

  get unreached(): readonly WorkerId[] {
    return [...this.#peers].filter(([, { isCut }]) => isCut).map(([worker]) => worker);
  }

  get hearsBroker(): boolean {
    return this.#ownIsGood;
  }

  /** Who is out of reach, and why, for people; by node. */
  describe(): string {
    const nodes = new Map<string, { workers: number; readonly host: string; readonly reasons: Set<string> }>();
    for (const { member, tracks, isCut } of this.#peers.values()) {
      if (!isCut) continue;
      const node = nodes.get(member.nodeId) ?? { workers: 0, host: member.host, reasons: new Set<string>() };
      node.workers++;
      node.reasons.add(reasonsOf(tracks));
      nodes.set(member.nodeId, node);
    }
    return [...nodes]
      .map(
        ([nodeId, { workers, host, reasons }]) =>
          `${workers} ${workers === 1 ? 'worker' : 'workers'} of node ${nodeId} on ${host} (${[...reasons].join('; ')})`,
      )
      .join(', ');
  }

  /** Pings all now: twice a second, and when a way came or went. */
  look(): void {
    const now = this.#deps.clock.monotonicMs();
    if (now - this.#roundMs > PING_INTERVAL_MS + ROUND_LATE_MS) this.#forgive(now);
    this.#roundMs = now;
    this.#judge(now);
    if (this.#own) this.#ping(this.#deps.me.workerId, [this.#own]);
    const peers = [...this.#peers];
    const count = Math.min(peers.length, PINGS_PER_ROUND_MAX);
    for (let index = 0; index < count; index++) {
      const [worker, { tracks }] = peers[(this.#next + index) % peers.length]!;
      this.#ping(worker, tracks);
    }
    this.#next = peers.length > count ? (this.#next + count) % peers.length : 0;
  }

  stop(): void {
    this.#timer.cancel();
  }

  /** The best first. Between nodes the broker, as between machines; sockets where they are on one machine. */
  #waysTo({ nodeId, host, hasBroker }: Member): readonly Track[] {
    const { me, sockets, broker } = this.#deps;
    const tracks: Track[] = [];
    if (nodeId !== me.nodeId && broker && hasBroker) tracks.push(this.#track('RabbitMQ', broker));
    // A peer with neither broker nor machine in common is tried all the same: then it is said that it can't be reached.
    if (host === me.host || tracks.length === 0) tracks.push(this.#track('sockets', sockets));
    return tracks;
  }

  #track(name: Track['name'], transport: Way): Track {
    const now = this.#deps.clock.monotonicMs();
    return {
      name,
      transport,
      isGood: undefined,
      failures: 0,
      lastGoodMs: now,
      lastBadMs: -Infinity,
      goodSinceMs: now,
      answers: 0,
      reason: 'no answer yet',
    };
  }

  #ping(worker: WorkerId, tracks: readonly Track[]): void {
    for (const track of tracks) {
      track.transport.ask(worker, PING, true, (answer) => {
        const now = this.#deps.clock.monotonicMs();
        if (answer.kind === 'done') this.#good(track, now);
        else this.#bad(track, now, answer.kind === 'rejected' ? 'it refuses' : answer.detail);
        this.#judge(now);
      });
    }
  }

  #good(track: Track, now: number): void {
    if (track.failures > 0 || track.isGood !== true) track.goodSinceMs = now;
    track.isGood = true;
    track.failures = 0;
    track.lastGoodMs = now;
  }

  #bad(track: Track, now: number, reason: string): void {
    track.isGood = false;
    track.failures++;
    track.lastBadMs = now;
    track.reason = reason;
  }

  #forgive(now: number): void {
    for (const { tracks } of this.#peers.values()) for (const track of tracks) track.lastGoodMs = now;
    if (this.#own) this.#own.lastGoodMs = now;
  }

  #judge(now: number): void {
    const cut: Peer[] = [];
    const uncut: Peer[] = [];
    for (const [worker, peer] of this.#peers) {
      for (const track of peer.tracks) {
        const answers = track.transport.answersFrom(worker);
        if (answers > track.answers) this.#good(track, now);
        track.answers = answers;
      }
      if (!peer.isCut && peer.tracks.every(isSilent)) {
        if (now - peer.uncutAtMs > RELAPSE_WINDOW_MS) peer.steadyMs = STEADY_MS;
        else peer.steadyMs = Math.min(STEADY_MS_MAX, peer.steadyMs * 2);
        peer.isCut = true;
        cut.push(peer);
      } else if (peer.isCut && peer.tracks.some((track) => isSteady(track, now, peer.steadyMs))) {
        peer.isCut = false;
        peer.uncutAtMs = now;
        uncut.push(peer);
      }
    }
    const ownIsGood = this.#own !== undefined && this.#hears(this.#own, now);
    if (this.#ownIsGood && !ownIsGood) this.#ownFailed = true;
    const isNews = cut.length > 0 || uncut.length > 0 || ownIsGood !== this.#ownIsGood;
    this.#ownIsGood = ownIsGood;
    this.#tell(cut, uncut);
    if (isNews) this.#deps.changed();
  }

  /**
   * When the broker is back for all, the peers must count again before anybody hears it: else the first to hear it
   * would be given all shards for that moment.
   */
  #hears(own: Track, now: number): boolean {
    if (this.#ownIsGood) return !isSilent(own);
    if (own.isGood !== true || !this.#ownFailed) return own.isGood === true;
    let steadyMs = STEADY_MS;
    for (const peer of this.#peers.values()) steadyMs = Math.max(steadyMs, peer.steadyMs);
    return isSteady(own, now, steadyMs + STEADY_MS);
  }

  #tell(cut: readonly Peer[], uncut: readonly Peer[]): void {
    const { log } = this.#deps;
    for (const { member, tracks } of cut)
      log.warn({ ...nameOf(member), reason: reasonsOf(tracks) }, 'a worker can’t be reached');
    for (const { member } of uncut) log.info(nameOf(member), 'a worker can be reached again');
  }
}

/** By what failed, not by the time that is over: the next ping may be answered. */
function isSilent({ failures, lastGoodMs, lastBadMs }: Track): boolean {
  return failures >= FAILURES_MIN && lastBadMs - lastGoodMs >= UNREACHED_AFTER_MS;
}

function isSteady({ isGood, goodSinceMs }: Track, now: number, steadyMs: number): boolean {
  return isGood === true && now - goodSinceMs >= steadyMs;
}

function nameOf({ workerId, nodeId, host }: Member) {
  return { peer: workerId, peerNode: nodeId, peerHost: host };
}

function reasonsOf(tracks: readonly Track[]): string {
  return tracks.map(({ name, reason }) => `by ${name}: ${reason}`).join('; ');
}
