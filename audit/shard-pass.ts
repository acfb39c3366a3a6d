/**
 * Reads every row by (shard, seq) and proves of each log (invariant 1): seq is dense from 1, epochs never fall, and each
 * epoch begins with its own EpochStarted row. Also the one place that sees every row, so it names entity ids that no
 * other pass would read.
 */
import { EPOCH_ENTITY_PREFIX } from '../kernel/entity-id.ts';
import type { AuditedPlace } from '../persistence/postgres/audited-rows.ts';
import { firstDifference } from './first-difference.ts';
import type { AuditedKinds } from './audited-kinds.ts';
import type { Findings } from './findings.ts';

export interface ShardPassResult {
  readonly rows: number;
  readonly shards: number;
  readonly epochRows: number;
  /** The last seq of each shard. */
  readonly ends: ReadonlyMap<number, number>;
}

export async function passOverShards(
  batches: AsyncIterable<readonly AuditedPlace[]>,
  kinds: AuditedKinds,
  findings: Findings,
  progress: (rows: number) => void,
): Promise<ShardPassResult> {
  const ends = new Map<number, number>();
  let rows = 0;
  let epochRows = 0;
  let log: ShardLog | undefined;
  for await (const batch of batches) {
    for (const place of batch) {
      if (log?.shard !== place.shard) log = new ShardLog(place.shard, kinds, findings);
      log.judge(place);
      if (isEpochRow(place)) epochRows++;
      ends.set(place.shard, place.seq);
    }
    progress((rows += batch.length));
  }
  return { rows, shards: ends.size, epochRows, ends };
}

function isEpochRow({ entityId }: AuditedPlace): boolean {
  return entityId.startsWith(EPOCH_ENTITY_PREFIX);
}

/** One shard's log, row by row. */
class ShardLog {
  readonly shard: number;
  readonly #kinds: AuditedKinds;
  readonly #findings: Findings;
  #seq = 0;
  #epoch = 0;
  #epochVersion = 0;

  constructor(shard: number, kinds: AuditedKinds, findings: Findings) {
    this.shard = shard;
    this.#kinds = kinds;
    this.#findings = findings;
  }

  judge(place: AuditedPlace): void {
    const { seq, epoch } = place;
    if (seq !== this.#seq + 1) this.#report(place, `seq ${this.#seq + 1}`, `seq ${seq}`);
    if (epoch < this.#epoch) this.#report(place, `epoch ${this.#epoch} or later`, `epoch ${epoch}`);
    if (isEpochRow(place)) this.#judgeEpochRow(place);
    else {
      if (epoch > this.#epoch)
        this.#report(place, `EpochStarted before the first row of epoch ${epoch}`, 'another row');
      if (!this.#kinds.isEntityId(place.entityId))
        this.#report(place, 'the id of an entity', JSON.stringify(place.entityId));
    }
    this.#seq = seq;
    this.#epoch = Math.max(epoch, this.#epoch);
  }

  #judgeEpochRow(place: AuditedPlace): void {
    const { epoch, entityId, version } = place;
    if (epoch <= this.#epoch) this.#report(place, `an epoch after ${this.#epoch}`, `EpochStarted of epoch ${epoch}`);
    if (entityId !== EPOCH_ENTITY_PREFIX + this.shard)
      this.#report(place, `entity ${EPOCH_ENTITY_PREFIX}${this.shard}`, `entity ${entityId}`);
    if (version !== this.#epochVersion + 1)
      this.#report(place, `version ${this.#epochVersion + 1}`, `version ${version}`);
    this.#epochVersion = version;
    if (firstDifference([{ type: 'EpochStarted', epoch }], parsed(place.events))) {
      this.#report(place, `the event EpochStarted of epoch ${epoch}`, 'another event');
    }
  }

  #report({ entityId, shard, seq }: AuditedPlace, expected: string, found: string): void {
    this.#findings.report(1, { entityId, shard, seq, expected, found });
  }
}

function parsed(text: string | null): unknown {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return undefined;
  }
}
