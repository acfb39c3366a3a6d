/** Injects the faults: follows the plan by the clock, and keeps the timeline of what really happened. */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../kernel/errors.ts';
import { type Violation, Violations } from '../check/violation.ts';
import type { ChaosNode } from '../nodes/chaos-node.ts';
import { type FaultKind, type PlannedFault, pointedAt } from '../plan.ts';
import type { Timeline } from '../timeline.ts';
import {
  brokerAcksDropped,
  brokerAway,
  brokerExchangeDeleted,
  brokerKill,
  brokerNodeCut,
  brokerRestart,
} from './broker-faults.ts';
import type { Fault, Stage } from './fault.ts';
import { answerCut, networkBlackHole, networkCut, networkDelay, statementWithheld } from './network-faults.ts';
import { nodeFreeze, postgresKill, primaryKill, workerFreeze, workerKill } from './process-faults.ts';

const FAULTS: Readonly<Record<FaultKind, Fault>> = {
  'worker-kill': workerKill,
  'worker-freeze': workerFreeze,
  'primary-kill': primaryKill,
  'node-freeze': nodeFreeze,
  'postgres-kill': postgresKill,
  'network-delay': networkDelay,
  'network-cut': networkCut,
  'network-black-hole': networkBlackHole,
  'answer-cut': answerCut,
  'statement-withheld': statementWithheld,
  'broker-restart': brokerRestart,
  'broker-kill': brokerKill,
  'broker-away': brokerAway,
  'broker-node-cut': brokerNodeCut,
  'broker-acks-dropped': brokerAcksDropped,
  'broker-exchange-deleted': brokerExchangeDeleted,
};

/** Its length follows from what its healing waits for. */
const LASTS_BY_ITSELF: ReadonlySet<FaultKind> = new Set([
  'primary-kill',
  'postgres-kill',
  'broker-restart',
  'broker-kill',
]);

export class Injector {
  readonly #stage: Stage;
  readonly #timeline: Timeline;
  readonly #healing = new AbortController();
  readonly #active = new Set<Promise<void>>();
  readonly #unhealed = new Violations();

  constructor(stage: Stage, timeline: Timeline) {
    this.#stage = stage;
    this.#timeline = timeline;
  }

  /** Targets that did not recover from their fault. */
  get unhealed(): readonly Violation[] {
    return this.#unhealed.list;
  }

  /** Resolves when `durationMs` have passed and everything that was injected is healed, or can't be. */
  async play(plan: readonly PlannedFault[], durationMs: number): Promise<void> {
    for (const planned of plan) {
      await this.#pause(planned.atMs - this.#timeline.nowMs());
      if (this.#healing.signal.aborted) break;
      this.#inject(planned);
    }
    await this.#pause(durationMs - this.#timeline.nowMs());
    await this.heal();
  }

  /** Ends all faults early. */
  async heal(): Promise<void> {
    this.#healing.abort();
    await Promise.all(this.#active);
  }

  #inject(planned: PlannedFault): void {
    const node = pointedAt<ChaosNode>(this.#stage.nodes, planned.node)!;
    const injected = FAULTS[planned.kind].inject(planned, node, this.#stage);
    if (injected === undefined) {
      this.#timeline.missed(planned.kind, node.name);
      return;
    }
    const stopsAll = injected.stops === 'all' || (injected.stops !== undefined && this.#stage.nodes.length === 1);
    const end = this.#timeline.begin(planned.kind, injected.target, stopsAll);
    const lasting = (async () => {
      if (!LASTS_BY_ITSELF.has(planned.kind)) await this.#pause(planned.durationMs);
      try {
        await injected.heal();
      } catch (error) {
        this.#unhealed.add('not_healed', `${planned.kind}, ${injected.target}`, 'all well again', messageOf(error));
      }
      end(injected.target);
    })();
    this.#active.add(lasting);
  }

  async #pause(ms: number): Promise<void> {
    if (ms > 0) await sleep(ms, undefined, { signal: this.#healing.signal }).catch(() => undefined);
  }
}
