/**
 * The parts that serve the shards of one worker, tied together: region, journal, projections and keeper know each
 * other, and the rest of a worker needs none of their ties.
 */
import { Recoveries } from '../entity/recoveries.ts';
import { Journal } from '../../persistence/journal.ts';
import type { JournalStore, ProjectionStore, Unwritable } from '../../persistence/ports.ts';
import { Projections } from '../../persistence/projections.ts';
import { ShardKeeper, type ShardKeeperDeps } from './shard-keeper.ts';
import { ShardRegion, type QuarantineList, type ShardRegionDeps } from './shard-region.ts';

/** The list of entities set apart. */
export interface Quarantine extends QuarantineList {
  /** Resolves when the entity stands on the list. */
  setApart(unwritable: Unwritable): Promise<void>;
  remove(entityId: string): void;
}

export interface ServedShardsDeps extends Omit<ShardRegionDeps, 'recoveries' | 'saveSnapshots'> {
  readonly journal: JournalStore;
  readonly projections: ProjectionStore;
  readonly quarantine: Quarantine;
  readonly suspects: ShardKeeperDeps['suspects'];
  readonly confirm: ShardKeeperDeps['confirm'];
}

export class ServedShards {
  readonly region: ShardRegion;
  readonly journal: Journal;
  readonly projections: Projections;
  readonly keeper: ShardKeeper;

  constructor({ journal: store, projections, ...deps }: ServedShardsDeps) {
    const { clock, log, quarantine } = deps;
    this.region = new ShardRegion({
      ...deps,
      recoveries: new Recoveries(store, clock),
      saveSnapshots: (snapshots) => store.saveSnapshots(snapshots),
    });
    const setApart = (unwritable: Unwritable): Promise<void> => quarantine.setApart(unwritable);
    this.projections = new Projections(projections, clock, log, {
      wakesChanged: (wakes) => this.region.wakesChanged(wakes),
      shardLost: (shard) => this.keeper.failed(shard),
      setApart,
      written: (entityId) => quarantine.remove(entityId),
    });
    this.journal = new Journal(store, { clock, log, shardLost: (shard) => this.keeper.failed(shard) });
    this.region.connect(this.journal, this.projections);
    this.keeper = new ShardKeeper({
      ...deps,
      journal: store,
      projections,
      region: this.region,
      live: this.projections,
      writer: this.journal,
      setApart,
    });
  }
}
