/**
 * The transport between the workers of one machine: a Unix domain socket a worker. Each ask is answered once, also when
 * the peer dies or is silent. It delivers at most once and never sends again: the asker decides what to do about an
 * unknown outcome.
 */
import { connect, createServer, type Server } from 'node:net';
import { rm } from 'node:fs/promises';
import type { Clock, Timer } from '../../kernel/clock.ts';
import { elsewhere, failed, type Ask } from '../../runtime/ask.ts';
import type { ShardReply } from '../../runtime/entity/entity-host.ts';
import type { WorkerId } from '../../runtime/sharding/peers.ts';
import type { Envelope } from '../envelope.ts';
import type { Way } from '../peer-watch.ts';
import { UnansweredAsks, WINDOW_MAX } from '../unanswered-asks.ts';
import { FramedSocket } from './framed-socket.ts';

const BACKLOG_BYTES_MAX = 64 * 1024 * 1024;
const SWEEP_INTERVAL_MS = 250;

/** An ask that a peer sent here. */
export type Receive = (ask: Ask, internal: boolean, reply: ShardReply) => void;

export interface LocalSocketOptions {
  /** Of this worker's socket. Short, in a private folder: socket paths are cut at 107 bytes. */
  readonly path: string;
  /** Of a peer's socket; undefined for a worker that is no member. */
  readonly pathOf: (worker: WorkerId) => string | undefined;
  readonly receive: Receive;
  readonly clock: Clock;
}

interface Peer {
  readonly socket: FramedSocket;
  readonly waiting: UnansweredAsks;
  connected: boolean;
}

export class LocalSocketTransport implements Way {
  readonly #options: LocalSocketOptions;
  readonly #peers = new Map<WorkerId, Peer>();
  readonly #incoming = new Set<FramedSocket>();
  readonly #sweeper: Timer;
  #server: Server | undefined;
  #nextId = 1;

  constructor(options: LocalSocketOptions) {
    this.#options = options;
    this.#sweeper = options.clock.every(SWEEP_INTERVAL_MS, () => this.#expire(), { unref: true });
  }

  async listen(): Promise<void> {
    const { path } = this.#options;
    await rm(path, { force: true });
    const server = createServer((socket) => {
      const framed = new FramedSocket(
        socket,
        this.#options.clock,
        (envelope) => this.#onAsk(framed, envelope),
        () => this.#incoming.delete(framed),
      );
      this.#incoming.add(framed);
    });
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ path, exclusive: true }, resolve); // not through the primary
    });
  }

  ask(owner: WorkerId, ask: Ask, internal: boolean, reply: ShardReply): void {
    const peer = this.#peers.get(owner) ?? this.#connect(owner);
    if (!peer) return reply(elsewhere('no', `worker ${owner} is no member`));
    const crowded = peer.waiting.size >= WINDOW_MAX || peer.socket.backlogBytes >= BACKLOG_BYTES_MAX;
    if (crowded && !internal) return reply(failed('overloaded', `too many asks wait for worker ${owner}`));
    const id = this.#nextId++;
    peer.waiting.add(id, ask, reply, this.#options.clock.monotonicMs());
    peer.socket.send({ kind: 'ask', id, internal, ask });
  }

  answersFrom(worker: WorkerId): number {
    return this.#peers.get(worker)?.waiting.answered ?? 0;
  }

  /** Leaves peers that are no longer members, so that waiting asks can go to the successor. */
  keepOnly(isMember: (worker: WorkerId) => boolean): void {
    for (const [worker, { socket }] of this.#peers) if (!isMember(worker)) socket.close();
  }

  async close(): Promise<void> {
    this.#sweeper.cancel();
    for (const { socket } of this.#peers.values()) socket.close();
    for (const socket of this.#incoming) socket.close();
    await new Promise<void>((resolve) => (this.#server ? this.#server.close(() => resolve()) : resolve()));
    await rm(this.#options.path, { force: true });
  }

  #connect(owner: WorkerId): Peer | undefined {
    const path = this.#options.pathOf(owner);
    if (path === undefined) return undefined;
    const stream = connect(path);
    const socket = new FramedSocket(
      stream,
      this.#options.clock,
      (envelope) => this.#onAnswer(peer, envelope),
      () => this.#onClose(owner, peer),
    );
    const peer: Peer = { socket, waiting: new UnansweredAsks(), connected: false };
    stream.once('connect', () => (peer.connected = true));
    this.#peers.set(owner, peer);
    return peer;
  }

  #onAsk(from: FramedSocket, envelope: Envelope): void {
    if (envelope.kind !== 'ask') return;
    const { id, ask, internal } = envelope;
    this.#options.receive(ask, internal, (answer) => from.send({ kind: 'answer', id, answer }));
  }

  #onAnswer(peer: Peer, envelope: Envelope): void {
    if (envelope.kind === 'answer') peer.waiting.answer(envelope.id, envelope.answer);
  }

  /** A message that was not sent had no effect; one that was sent may have. */
  #onClose(owner: WorkerId, peer: Peer): void {
    if (this.#peers.get(owner) === peer) this.#peers.delete(owner);
    peer.waiting.end((ask) => {
      const applied = peer.connected && ask.command !== undefined ? 'unknown' : 'no';
      return elsewhere(applied, `worker ${owner} is gone`);
    });
  }

  #expire(): void {
    const now = this.#options.clock.monotonicMs();
    for (const [owner, peer] of this.#peers) peer.waiting.expire(now, `worker ${owner}`);
  }
}
