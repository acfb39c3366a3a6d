/**
 * Keeps a mark of the journal at the broker: every few seconds the primary of each node writes the heads of all shards
 * there. A start compares. It begins a new incarnation where seen rows are gone, or where it can't show that none are:
 * an unneeded one costs nothing.
 */
import type { Logger } from 'pino';
import type { Clock, Timer } from '../kernel/clock.ts';
import { messageOf } from '../kernel/errors.ts';
import { endsWithin } from '../kernel/stop-order.ts';
import { Broker } from '../messaging/rabbitmq/broker.ts';
import { brokerFailure } from '../messaging/rabbitmq/broker-failure.ts';
import { isInUse, readMark, writeMark } from '../messaging/rabbitmq/mark-queue.ts';
import type { Incarnation } from '../persistence/ports.ts';
import { withClient } from '../persistence/postgres/connection.ts';
import { becomeAnother, beginIncarnation, isEmpty, readDeployment } from '../persistence/postgres/incarnations.ts';
import { countLivingMembers } from '../persistence/postgres/ownership-store.ts';
import { withPreparationLock } from '../persistence/postgres/prepare-database.ts';
import { currentMark, epochSeen, lostSince, parseMark, type SeenMark } from '../persistence/postgres/seen-mark.ts';

/** A shard begins a new epoch at a new owner, so the last few unmarked seconds rarely matter. */
const MARK_EVERY_MS = 5_000;
/** For a broker that answers slowly; one that is away was noticed before. */
const ANSWER_MS = 5_000;

export interface SeenMarkerDeps {
  readonly amqpUrl: string;
  readonly databaseUrl: string;
  readonly nodeId: string;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface Comparison {
  /** The incarnation that it began; undefined: none was needed. */
  readonly begun: Incarnation | undefined;
  /** The deployment whose copy this is: the original database is in use. */
  readonly copyOf: string | undefined;
  /** As it is now. */
  readonly deploymentId: string;
}

type Seen =
  | { readonly kind: 'mark'; readonly mark: SeenMark; readonly inUse: boolean }
  | { readonly kind: 'unknown'; readonly reason: string }
  /** This node publishes no events of this database. */
  | { readonly kind: 'foreign' };

export class SeenMarker {
  readonly #deps: SeenMarkerDeps;
  readonly #broker: Broker;
  #timer: Timer | undefined;
  #writing: Promise<void> = Promise.resolve();
  #said = false;

  constructor(deps: SeenMarkerDeps) {
    this.#deps = deps;
    const { amqpUrl, clock, log } = deps;
    // The workers log how the broker is.
    this.#broker = new Broker({ url: amqpUrl, name: 'holdfast/seen', clock, log: log.child({}, { level: 'silent' }) });
  }

  /**
   * Before any shard is taken.
   * @param brokerAway why the broker can't be asked
   * @throws what the database throws
   */
  async compare(brokerAway?: string): Promise<Comparison> {
    const { databaseUrl, nodeId } = this.#deps;
    return withPreparationLock(databaseUrl, 'holdfast/compare', async (client) => {
      const { id: deploymentId } = await readDeployment(client);
      const same = { begun: undefined, copyOf: undefined, deploymentId };
      if (await isEmpty(client)) return same;
      const seen: Seen =
        brokerAway === undefined ? await this.#look(deploymentId) : { kind: 'unknown', reason: brokerAway };
      if (seen.kind === 'foreign') return same;
      const othersLive = (await countLivingMembers(client, nodeId)) > 0;
      if (seen.kind === 'unknown') {
        if (othersLive) return same; // they compared
        return { ...same, begun: await beginIncarnation(client, `it is not known what was published: ${seen.reason}`) };
      }
      const { mark, inUse } = seen;
      const lost = await lostSince(client, mark);
      if (lost === undefined) return same;
      const begun = await beginIncarnation(client, `the database was put back: ${lost}`, epochSeen(mark));
      if (!inUse || othersLive) return { ...same, begun };
      const copyOf = await becomeAnother(client);
      return { begun, copyOf, deploymentId: (await readDeployment(client)).id };
    });
  }

  start(): void {
    const { clock } = this.#deps;
    const next = (): void => {
      this.#writing = this.mark().then(() => {
        if (this.#timer !== undefined) this.#timer = clock.after(MARK_EVERY_MS, next);
      });
    };
    this.#timer = clock.after(0, next);
  }

  /** Keeps the last rows as well. */
  async stop(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    await this.#writing;
    if (this.#broker.state === 'up') await this.mark();
    await this.#broker.close();
  }

  /** Never throws. */
  async mark(): Promise<void> {
    try {
      const mark = await withClient(this.#deps.databaseUrl, 'holdfast/seen', currentMark);
      await this.#answered(writeMark(this.#broker.connection, mark.deploymentId, JSON.stringify(mark)));
      this.#said = false;
    } catch (error) {
      const { log } = this.#deps;
      if (!this.#said)
        log.warn({ reason: messageOf(error) }, 'what was seen of the journal can not be kept at RabbitMQ');
      this.#said = true;
    }
  }

  async #look(deploymentId: string): Promise<Seen> {
    try {
      const found = await this.#answered(readMark(this.#broker.connection, deploymentId));
      if (found.kind === 'foreign') return found;
      if (found.kind === 'none') return { kind: 'unknown', reason: 'RabbitMQ has no mark of it' };
      const mark = parseMark(found.text);
      if (mark === undefined) return { kind: 'unknown', reason: 'the mark in holdfast.seen can not be read' };
      if (mark.deploymentId !== deploymentId)
        return { kind: 'unknown', reason: `the mark is of deployment ${mark.deploymentId}` };
      return { kind: 'mark', mark, inUse: await this.#answered(isInUse(this.#broker.connection)) };
    } catch (error) {
      return { kind: 'unknown', reason: brokerFailure(error).reason };
    }
  }

  async #answered<T>(work: Promise<T>): Promise<T> {
    if (await endsWithin(work, ANSWER_MS, this.#deps.clock)) return work;
    throw new Error('RabbitMQ does not answer');
  }
}
