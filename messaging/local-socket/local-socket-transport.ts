/**
 * The transport between the workers of one node: a Unix domain socket a worker. Each ask is answered once, also when
 * the peer dies or says nothing. It delivers at most once and never sends again: what to do about an unknown outcome is
 * the asker's business.
 */
import { connect, createServer, type Server } from 'node:net';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ask } from '../../actors/ask.ts';
import type { Reply } from '../../actors/entity/entity-host.ts';
import { failed } from '../../actors/entity/entity-shell.ts';
import type { PeerTransport, WorkerSlot } from '../../actors/sharding/peers.ts';
import type { Envelope } from '../envelope.ts';
import { FramedSocket } from './framed-socket.ts';

/** Asks to one peer that may be unanswered; the steps of orders under way are let through. */
const WINDOW_MAX = 20_000;
const BACKLOG_BYTES_MAX = 64 * 1024 * 1024;
const SWEEP_INTERVAL_MS = 250;
/** Wrong owners met in a row before giving up: ownership is moving. */
const REDIRECTS_MAX = 2;

/** An ask that a peer sent here. */
export type Receive = (ask: Ask, internal: boolean, reply: Reply, moved: (owner: WorkerSlot) => void) => void;

interface Waiting {
  readonly ask: Ask;
  readonly internal: boolean;
  readonly reply: Reply;
  /** Monotonic ms. */
  readonly deadline: number;
  readonly redirects: number;
}

interface Peer {
  readonly socket: FramedSocket;
  readonly waiting: Map<number, Waiting>;
  connected: boolean;
}

export class LocalSocketTransport implements PeerTransport {
  readonly #folder: string;
  readonly #slot: WorkerSlot;
  readonly #receive: Receive;
  readonly #monotonicMs: () => number;
  readonly #peers = new Map<WorkerSlot, Peer>();
  readonly #incoming = new Set<FramedSocket>();
  readonly #sweeper: NodeJS.Timeout;
  #server: Server | undefined;
  #nextId = 1;

  /** `folder`: short and private, socket paths are cut at 107 bytes. */
  constructor(folder: string, slot: WorkerSlot, receive: Receive, monotonicMs: () => number) {
    this.#folder = folder;
    this.#slot = slot;
    this.#receive = receive;
    this.#monotonicMs = monotonicMs;
    this.#sweeper = setInterval(() => this.#expire(), SWEEP_INTERVAL_MS);
    this.#sweeper.unref();
  }

  async listen(): Promise<void> {
    const path = this.#path(this.#slot);
    await rm(path, { force: true });
    const server = createServer((socket) => {
      const framed = new FramedSocket(
        socket,
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

  ask(owner: WorkerSlot, ask: Ask, internal: boolean, reply: Reply): void {
    this.#send(owner, { ask, internal, reply, deadline: this.#monotonicMs() + ask.timeoutMs, redirects: 0 });
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    for (const { socket } of this.#peers.values()) socket.close();
    for (const socket of this.#incoming) socket.close();
    await new Promise<void>((resolve) => (this.#server ? this.#server.close(() => resolve()) : resolve()));
    await rm(this.#path(this.#slot), { force: true });
  }

  #path(slot: WorkerSlot): string {
    return join(this.#folder, `w${slot}.sock`);
  }

  #send(owner: WorkerSlot, waiting: Waiting): void {
    const peer = this.#peers.get(owner) ?? this.#connect(owner);
    const crowded = peer.waiting.size >= WINDOW_MAX || peer.socket.backlogBytes >= BACKLOG_BYTES_MAX;
    if (crowded && !waiting.internal) {
      waiting.reply(failed('overloaded', `too many asks wait for worker ${owner}`));
      return;
    }
    const id = this.#nextId++;
    peer.waiting.set(id, waiting);
    peer.socket.send({ kind: 'ask', id, internal: waiting.internal, ask: waiting.ask });
  }

  #connect(owner: WorkerSlot): Peer {
    const stream = connect(this.#path(owner));
    const socket = new FramedSocket(
      stream,
      (envelope) => this.#onAnswer(peer, envelope),
      () => this.#onClose(owner, peer),
    );
    const peer: Peer = { socket, waiting: new Map(), connected: false };
    stream.once('connect', () => (peer.connected = true));
    this.#peers.set(owner, peer);
    return peer;
  }

  #onAsk(from: FramedSocket, envelope: Envelope): void {
    if (envelope.kind !== 'ask') return;
    const { id, ask, internal } = envelope;
    this.#receive(
      ask,
      internal,
      (answer) => from.send({ kind: 'answer', id, answer }),
      (owner) => from.send({ kind: 'moved', id, owner }),
    );
  }

  #onAnswer(peer: Peer, envelope: Envelope): void {
    if (envelope.kind === 'ask') return;
    const waiting = peer.waiting.get(envelope.id);
    if (!waiting) return; // answered already: its time had run out
    peer.waiting.delete(envelope.id);
    if (envelope.kind === 'answer') {
      waiting.reply(envelope.answer);
    } else if (waiting.redirects >= REDIRECTS_MAX) {
      waiting.reply(failed('unavailable', `the shard of ${waiting.ask.to} is moving`));
    } else {
      this.#send(envelope.owner, { ...waiting, redirects: waiting.redirects + 1 });
    }
  }

  /** What was never sent has not happened; what was sent may have. */
  #onClose(owner: WorkerSlot, peer: Peer): void {
    if (this.#peers.get(owner) === peer) this.#peers.delete(owner);
    for (const { ask, reply } of peer.waiting.values()) {
      const unknown = peer.connected && ask.command !== undefined;
      reply(failed(unknown ? 'outcome_unknown' : 'unavailable', `worker ${owner} is gone`));
    }
    peer.waiting.clear();
  }

  #expire(): void {
    const now = this.#monotonicMs();
    for (const [owner, peer] of this.#peers) {
      for (const [id, { ask, reply, deadline }] of peer.waiting) {
        if (deadline > now) continue;
        peer.waiting.delete(id);
        reply(failed(ask.command ? 'outcome_unknown' : 'unavailable', `worker ${owner} did not answer in time`));
      }
    }
  }
}
