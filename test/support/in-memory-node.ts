/**
 * A worker without processes, sockets and a database: the real region, shells, deciders, journal and projections over
 * storage in memory. What outlives a node (the log, the read models, the provider, time) is a `World`; several nodes
 * may run over it, one after another as after a crash.
 */
import type { Logger } from 'pino';
import type { Answer, Ask } from '../../runtime/ask.ts';
import { KINDS } from '../../actors/index.ts';
import type { OutsideService } from '../../runtime/entity/outside-port.ts';
import type { EntityType } from '../../runtime/entity/entity-type.ts';
import { Kinds } from '../../runtime/kinds.ts';
import type { PaymentProvider } from '../../actors/payment/providers/provider.ts';
import { PROVIDER_PORT } from '../../actors/payment/payment.ts';
import { Ownership } from '../../runtime/sharding/ownership.ts';
import type { PeerTransport, ShardDirectory, WorkerId } from '../../runtime/sharding/peers.ts';
import type { ShardKeeper } from '../../runtime/sharding/shard-keeper.ts';
import { ServedShards } from '../../runtime/sharding/served-shards.ts';
import type { ShardRegion } from '../../runtime/sharding/shard-region.ts';
import type { OrderTerms, PlacedOrder } from '../../actors/order/order.ts';
import { stockEntity, type StockLevel } from '../../actors/stock/stock.ts';
import { InMemoryLog } from '../../persistence/in-memory/journal-store.ts';
import type { Journal } from '../../persistence/journal.ts';
import type { JournalRow } from '../../persistence/ports.ts';
import type { Projections } from '../../persistence/projections.ts';
import { EntityGuardian } from '../../supervisors/guardian.ts';
import { CountingProvider } from './counting-provider.ts';
import { InMemoryOwnershipStore } from '../../persistence/in-memory/ownership-store.ts';
import type { InMemoryCluster } from './in-memory-cluster.ts';
import { HeldClock } from './manual-clock.ts';
import { orderTerms } from './order-states.ts';
import { ScriptedJournalStore } from './scripted-journal-store.ts';
import { ScriptedProjectionStore } from './scripted-projection-store.ts';
import { silentLog } from './silent-log.ts';
import { waitUntil } from './wait-until.ts';

/** All kinds leave memory after so long without a message. */
export function typesIdleAfter(idleMs: number): readonly EntityType[] {
  return KINDS.all.map((type) => ({ ...type, limits: { ...type.limits, idleMs } }));
}

const SHARDS = 8;
const ASK_TIMEOUT_MS = 30_000;

/** What a crash leaves. */
export class World {
  readonly log = new InMemoryLog();
  readonly readModels = new ScriptedProjectionStore();
  readonly provider = new CountingProvider();
  readonly clock = new HeldClock();
  /** The list of entities that can't be read, as people see it. */
  readonly quarantine = new Map<string, { readonly shard: number; readonly reason: string }>();

  /** All rows of the domain, by shard and place. */
  get rows(): JournalRow[] {
    return [...this.log.shards.values()].flat().filter(({ entityId }) => !entityId.startsWith('shd_'));
  }

  rowsOf(entityId: string): readonly JournalRow[] {
    return this.log.entities.get(entityId) ?? [];
  }
}

export interface NodeOptions {
  readonly world?: World;
  readonly shards?: number;
  /** Instead of the program's own of the same name, or beside them. */
  readonly types?: readonly EntityType[];
  readonly provider?: PaymentProvider;
  /** Ports of kinds that are not the program's own, by name. */
  readonly outside?: ReadonlyMap<string, OutsideService>;
  readonly log?: Logger;
  readonly directory?: ShardDirectory;
  readonly transport?: PeerTransport;
  readonly workerId?: WorkerId;
  /** Shares its world's shards with the other nodes of a cluster, instead of having them all. */
  readonly cluster?: InMemoryCluster;
  /** Its script, if it has one, is in force before the first append. */
  readonly store?: (log: InMemoryLog) => ScriptedJournalStore;
}

const NO_PEERS: PeerTransport = {
  ask: (owner) => {
    throw new Error(`there is no worker ${owner}`);
  },
};

export class InMemoryNode {
  readonly world: World;
  readonly workerId: WorkerId;
  readonly store: ScriptedJournalStore;
  readonly guardian: EntityGuardian;
  /** Only in a cluster. */
  readonly ownership: Ownership | undefined;
  /** Reasons for which the worker would have given up. */
  readonly escalations: string[] = [];
  /** Without a cluster: what the region hears of its lease. */
  leaseValid = true;
  readonly #shards: number;
  readonly #served: ServedShards;
  #commands = 0;
  #dead = false;

  static async start(options: NodeOptions = {}): Promise<InMemoryNode> {
    const node = new InMemoryNode(options);
    const { ownership } = node;
    if (!ownership) {
      await node.keeper.take(Array.from({ length: node.#shards }, (_, shard) => shard));
      return node;
    }
    options.cluster!.nodes.set(node.workerId, node);
    await ownership.join();
    ownership.begin();
    await waitUntil('the node is a member', () => ownership.members.has(node.workerId));
    return node;
  }

  private constructor(options: NodeOptions) {
    const { cluster, log = silentLog, workerId = 'w0-test' } = options;
    const { world = cluster?.world ?? new World(), shards = cluster?.shards ?? SHARDS } = options;
    const { clock, readModels, quarantine } = world;
    this.world = world;
    this.workerId = workerId;
    this.#shards = shards;
    this.store = options.store?.(world.log) ?? new ScriptedJournalStore(world.log);
    const changed = options.types ?? [];
    const own = KINDS.all.filter(({ kind }) => !changed.some((other) => other.kind === kind));
    const kinds = new Kinds([...own, ...changed]);
    this.guardian = new EntityGuardian(clock, log);
    this.ownership = cluster && this.#ownershipIn(cluster, log);
    const everything: ShardDirectory = { ownerOf: () => workerId, refresh: () => undefined };
    this.#served = new ServedShards({
      workerId,
      shards,
      kinds,
      journal: this.store,
      projections: readModels,
      clock,
      log,
      outside: new Map<string, OutsideService>([
        [PROVIDER_PORT, options.provider ?? world.provider],
        ...(options.outside ?? []),
      ]),
      directory: options.directory ?? this.ownership ?? everything,
      transport: options.transport ?? cluster?.transportOf(workerId) ?? NO_PEERS,
      guardian: this.guardian,
      quarantine: {
        add: (entityId, shard, reason) => void quarantine.set(entityId, { shard, reason }),
        setApart: ({ entityId, shard, reason }) => Promise.resolve(void quarantine.set(entityId, { shard, reason })),
        remove: (entityId) => void quarantine.delete(entityId),
      },
      suspects: (wanted) =>
        Promise.resolve(
          [...quarantine]
            .map(([entityId, { shard }]) => ({ entityId, shard }))
            .filter(({ shard }) => wanted.includes(shard)),
        ),
      confirm: () => this.ownership?.confirm() ?? Promise.resolve(),
      escalate: (reason) => this.escalations.push(reason),
      leaseValid: () => this.ownership?.valid ?? this.leaseValid,
    });
  }

  get region(): ShardRegion {
    return this.#served.region;
  }

  get journal(): Journal {
    return this.#served.journal;
  }

  get projections(): Projections {
    return this.#served.projections;
  }

  get keeper(): ShardKeeper {
    return this.#served.keeper;
  }

  #ownershipIn(cluster: InMemoryCluster, log: Logger): Ownership {
    const { workerId } = this;
    return new Ownership({
      store: new InMemoryOwnershipStore(cluster.ownership),
      clock: cluster.world.clock,
      log,
      me: {
        workerId,
        nodeId: `node-of-${workerId}`,
        slot: 0,
        host: '',
        socketPath: '',
        pid: 0,
        version: '',
        hasBroker: false,
      },
      shards: cluster.shards,
      server: () => this.keeper,
      changed: () => {
        cluster.cutOff(workerId, (other) => this.ownership!.members.has(other));
        this.region.ownersChanged();
      },
    });
  }

  ask(to: string, command?: { readonly type: string }, changes: Partial<Ask> = {}): Promise<Answer> {
    const commandId = command ? `test-${++this.#commands}` : '';
    return this.region.ask({
      to,
      ...(command && { command }),
      commandId,
      until: 'durable',
      timeoutMs: ASK_TIMEOUT_MS,
      ...changes,
    });
  }

  setStock(productId: string, onHand: number, changes: Partial<Ask> = {}): Promise<Answer> {
    return this.ask(stockEntity(productId), { type: 'SetStock', warehouseId: 'main', onHand } as never, changes);
  }

  place(orderId: string, terms: Partial<OrderTerms> = {}, changes: Partial<Ask> = {}): Promise<Answer> {
    const command = { type: 'PlaceOrder', terms: orderTerms(terms), unknownProducts: [] };
    return this.ask(`ord_${orderId}`, command, { commandId: `place-${orderId}`, until: 'settled', ...changes });
  }

  async order(orderId: string): Promise<PlacedOrder> {
    const answer = await this.ask(`ord_${orderId}`);
    if (answer.kind !== 'done') throw new Error(`${orderId}: ${JSON.stringify(answer)}`);
    return answer.value as PlacedOrder;
  }

  async stock(productId: string): Promise<StockLevel> {
    const answer = await this.ask(stockEntity(productId));
    if (answer.kind !== 'done') throw new Error(`${productId}: ${JSON.stringify(answer)}`);
    return answer.value as StockLevel;
  }

  /** Resolves when nothing is in flight, in memory and on its way to storage. */
  async quiet(): Promise<void> {
    const isQuiet = (): boolean => this.#dead || (!this.region.busy && this.journal.figures.gatheredRows === 0);
    await waitUntil('nothing is in flight', isQuiet, () => this.region.figures);
    if (!this.#dead) await this.journal.drain();
  }

  get dead(): boolean {
    return this.#dead;
  }

  /** As kill -9 does, as far as one process can: nothing of it goes on. */
  kill(): void {
    if (this.#dead) return;
    this.#dead = true;
    void this.ownership?.stop();
    this.keeper.lost(Array.from({ length: this.#shards }, (_, shard) => shard));
    this.region.stop();
  }

  /** Lets time pass, and wakes who is due by then. */
  pass(ms: number): void {
    this.world.clock.advance(ms);
    // A tick wakes few.
    for (let tick = 0; tick < 20; tick++) this.region.wakeDue();
  }

  async stop(): Promise<void> {
    await this.ownership?.stop();
    this.region.stop();
    await this.projections.close(Infinity);
    await this.keeper.stop();
  }
}

/** A store that dies with its node: from the k-th commit on nothing is written, and no call is answered. */
export class MortalJournalStore extends ScriptedJournalStore {
  #appendsLeft: number;
  #died: () => void = () => undefined;
  /** Resolves at the death. */
  readonly died: Promise<void>;

  /** @param commits after so many it dies; the last of them is durable, and its answer never comes. */
  constructor(log: InMemoryLog, commits: number) {
    super(log);
    this.#appendsLeft = commits;
    this.died = new Promise((resolve) => (this.#died = resolve));
  }

  override async append(rows: readonly JournalRow[]): Promise<ReadonlySet<number>> {
    if (this.#appendsLeft <= 0) return new Promise(() => undefined);
    const written = await super.append(rows);
    if (--this.#appendsLeft > 0) return written;
    this.#died();
    return new Promise(() => undefined);
  }
}
