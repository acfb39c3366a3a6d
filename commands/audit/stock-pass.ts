/**
 * Reads the stock items with their rows in the stock view and their snapshots, merged by product, and proves each by
 * itself: it replays with no rule broken (invariants 4 and 8), its read models and its snapshot equal the fold (3), and
 * its open holds are those of the reservations (4). Holds one product's state; its rows stream through.
 */
import type { SnapshotContent } from '../../runtime/entity/fold-entity.ts';
import { stockActor } from '../../actors/stock/index.ts';
import type { HoldTable } from '../../actors/stock/hold-table.ts';
import { stockLevel, type StockState } from '../../actors/stock/stock.ts';
import { messageOf } from '../../kernel/errors.ts';
import type { AuditedSnapshot, AuditedStockView } from '../../persistence/postgres/audited-rows.ts';
import type { AuditReader } from '../../persistence/postgres/audit-reader.ts';
import { described, firstDifference, type Difference } from '../support/first-difference.ts';
import { FOLDERS } from './deciders.ts';
import { EntityFold, type FoldContext } from './entity-fold.ts';
import type { HoldLedger, HoldSum } from './hold-ledger.ts';
import { smallestKey, SortedStream } from './sorted-stream.ts';

/** Open holds that differ from the reservations': to be named by a second look. */
export interface SuspectHolds {
  readonly productId: string;
  readonly holds: HoldTable;
}

export interface StockPassResult {
  readonly entities: number;
  readonly rows: number;
  readonly rowsBeyondCheckpoints: number;
  readonly snapshots: number;
  readonly snapshotsIgnored: number;
  readonly suspects: readonly SuspectHolds[];
}

/** What is kept for the second look: beyond these the product alone is named. */
const SUSPECT_PRODUCTS_MAX = 10;
const SUSPECT_HOLDS_MAX = 500_000;

export class StockPass {
  readonly #context: FoldContext;
  readonly #ledger: HoldLedger;
  readonly #progress: (rows: number) => void;
  readonly #suspects: SuspectHolds[] = [];
  #suspectHolds = 0;
  #entities = 0;
  #rows = 0;
  #rowsBeyondCheckpoints = 0;
  #snapshots = 0;
  #snapshotsIgnored = 0;

  constructor(context: FoldContext, ledger: HoldLedger, progress: (rows: number) => void) {
    this.#context = context;
    this.#ledger = ledger;
    this.#progress = progress;
  }

  async run(reader: AuditReader): Promise<StockPassResult> {
    const rows = new SortedStream(reader.rows('stk_'), ({ entityId }) => entityId);
    const views = new SortedStream(reader.stockViews(), ({ productId }) => `stk_${productId}`);
    const snapshots = new SortedStream(reader.snapshots(), ({ entityId }) => entityId);
    for (;;) {
      const entityId = await smallestKey([rows, views, snapshots]);
      if (entityId === undefined) break;
      await this.#judge(entityId, rows, await views.take(entityId), (await snapshots.take(entityId))[0]);
    }
    for (const [productId, { holds, units }] of this.#ledger.unsettled()) {
      const expected = `a stock item that holds ${units} units for ${holds} reservations`;
      this.#context.findings.report(4, { entityId: `stk_${productId}`, expected, found: 'none' });
    }
    return {
      entities: this.#entities,
      rows: this.#rows,
      rowsBeyondCheckpoints: this.#rowsBeyondCheckpoints,
      snapshots: this.#snapshots,
      snapshotsIgnored: this.#snapshotsIgnored,
      suspects: this.#suspects,
    };
  }

  async #judge(
    entityId: string,
    rows: SortedStream<Parameters<EntityFold<StockState>['apply']>[0]>,
    views: readonly AuditedStockView[],
    snapshot: AuditedSnapshot | undefined,
  ): Promise<void> {
    const fold = new EntityFold(FOLDERS.stock, entityId, this.#context, stockActor.limits.knownCommandsMax);
    let viewsJudged = false;
    await rows.each(entityId, (row) => {
      this.#rows++;
      if (fold.isBeyondCheckpoint(row)) {
        this.#rowsBeyondCheckpoints++;
        // The state changes in place: the view is compared while the fold stands where the projection stood.
        if (!viewsJudged) this.#judgeViews(fold, views);
        viewsJudged = true;
      }
      fold.apply(row);
      if (snapshot && fold.readable && fold.version === snapshot.version) this.#judgeSnapshot(fold, snapshot);
      if (this.#rows % 1_000 === 0) this.#progress(this.#rows);
    });
    if (!viewsJudged) this.#judgeViews(fold, views);
    if (fold.exists) this.#entities++;
    if (snapshot) this.#judgeSnapshotVersion(fold, snapshot);
    fold.judgeWakeUp();
    if (fold.readable) this.#judgeHolds(fold);
    else this.#ledger.forget(fold.state.productId);
  }

  #judgeViews(fold: EntityFold<StockState>, views: readonly AuditedStockView[]): void {
    if (!fold.exists) {
      if (views.length > 0)
        fold.report(3, undefined, 'no row in stock_view without a stock item', `${views.length} rows`);
      return;
    }
    if (!fold.readable) return;
    const { shard, at } = fold.last!;
    const { warehouses, lowStockThreshold = null } = stockLevel(fold.state);
    const version = fold.version;
    const expected = new Map(
      warehouses.map(({ warehouseId, onHand, held }) => [
        warehouseId,
        { shard, version, onHand, held, lowStockThreshold, updatedAt: at },
      ]),
    );
    const found = new Map(views.map(({ productId: _productId, warehouseId, ...columns }) => [warehouseId, columns]));
    const difference = firstDifference(expected, found, 'stock_view');
    if (difference) this.#reportDifference(fold, difference);
  }

  #judgeSnapshot(fold: EntityFold<StockState>, snapshot: AuditedSnapshot): void {
    const form = FOLDERS.stock.snapshot;
    if (!form || snapshot.schema !== form.schema) return;
    this.#snapshots++;
    let stored: { state: StockState; known: ReadonlyMap<string, string> };
    try {
      const content = JSON.parse(snapshot.state) as SnapshotContent;
      stored = { state: form.decode(content.state, fold.entityId), known: new Map(content.known) };
    } catch (error) {
      fold.report(3, fold.last, `a snapshot at version ${snapshot.version} that can be read`, messageOf(error));
      return;
    }
    const folded = { state: comparable(fold.state), known: new Map(fold.known.entries()) };
    const difference = firstDifference(folded, { ...stored, state: comparable(stored.state) }, 'snapshot');
    if (difference) this.#reportDifference(fold, difference);
  }

  #judgeSnapshotVersion(fold: EntityFold<StockState>, { version, schema, shard }: AuditedSnapshot): void {
    if (schema !== FOLDERS.stock.snapshot?.schema) this.#snapshotsIgnored++;
    const last = fold.last?.version ?? 0;
    if (version > last)
      fold.report(3, fold.last, `a snapshot at version ${last} or before`, `one at version ${version}`);
    else if (shard !== fold.last?.shard)
      fold.report(3, fold.last, `a snapshot of shard ${fold.last?.shard}`, `one of shard ${shard}`);
  }

  #judgeHolds(fold: EntityFold<StockState>): void {
    const { state } = fold;
    const open = state.holds.units;
    if (open !== state.held)
      fold.report(4, fold.last, `held = ${open}, the sum of its open holds`, `held = ${state.held}`);
    const difference = this.#ledger.settle(state.productId, state.holds);
    if (!difference) return;
    this.#suspectHolds += state.holds.size;
    if (this.#suspects.length < SUSPECT_PRODUCTS_MAX && this.#suspectHolds <= SUSPECT_HOLDS_MAX) {
      this.#suspects.push({ productId: state.productId, holds: state.holds });
      return;
    }
    const text = ({ holds, units }: HoldSum): string => `${units} units for ${holds} reservations`;
    fold.report(4, fold.last, `${text(difference.expected)}, as these say`, `open holds of ${text(difference.found)}`);
  }

  #reportDifference(fold: EntityFold<StockState>, difference: Difference): void {
    const { expected, found } = described(difference);
    fold.report(3, fold.last, expected, found);
  }
}

/** Its holds as a Map: two equal tables may keep them in another order. */
const comparable = (state: StockState): unknown => ({ ...state, holds: new Map(state.holds) });
