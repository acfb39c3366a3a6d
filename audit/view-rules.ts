/**
 * The rows of an entity in its read model (invariant 3): they name the version that the projections have seen, and say
 * exactly what the fold says at the version that they name. The fold's state may change in place, so each comparison is
 * made while the fold stands where the rows do.
 */
import type { AuditedViewRow } from '../persistence/postgres/audited-rows.ts';
import type { AuditedView } from './audit-definition.ts';
import type { EntityFold } from './entity-fold.ts';
import { described, firstDifference, type Difference } from './first-difference.ts';

export class ViewCheck {
  readonly #view: AuditedView;
  readonly #fold: EntityFold;
  readonly #rows: readonly AuditedViewRow[];
  #projectionJudged = false;
  #difference: Difference | undefined;

  constructor(view: AuditedView, fold: EntityFold, rows: readonly AuditedViewRow[]) {
    this.#view = view;
    this.#fold = fold;
    this.#rows = rows;
  }

  /** Called before a row beyond the checkpoint is folded, and at the end. */
  atCheckpoint(): void {
    if (this.#projectionJudged) return;
    this.#projectionJudged = true;
    const { table } = this.#view;
    const fold = this.#fold;
    const found = this.#rows[0];
    if (!found) {
      if (fold.projectedVersion > 0 && this.#expected().length > 0)
        fold.report(3, fold.last, `${table} at version ${fold.projectedVersion}`, `no row in ${table}`);
    } else if (!fold.first) {
      fold.report(
        3,
        undefined,
        `no row in ${table} without ${withArticle(fold.kind.kind)}`,
        `version ${found.version}`,
      );
    } else if (fold.readable && found.version !== fold.projectedVersion) {
      // How far the view of an entity could come that can't be read to its end is unknown.
      fold.report(3, fold.last, `${table} at version ${fold.projectedVersion}`, `version ${found.version}`);
    }
    this.#reportDifference();
  }

  /** Called after each row. */
  folded(): void {
    const fold = this.#fold;
    if (!fold.readable || fold.version !== this.#rows[0]?.version) return;
    this.#difference = this.#compared();
    if (this.#projectionJudged) this.#reportDifference();
  }

  /** After the version: a view at another version differs because of it. */
  #reportDifference(): void {
    const difference = this.#difference;
    if (!difference) return;
    const fold = this.#fold;
    const { table, rowKey } = this.#view;
    const { expected, found } = described(difference);
    fold.report(3, fold.last, rowKey === undefined ? `${table} ${expected}` : expected, found);
  }

  #expected(): readonly Readonly<Record<string, unknown>>[] {
    const { state, first, last, outstandingSince } = this.#fold;
    const place = { firstSeq: first!.seq, at: last!.at, settled: outstandingSince === undefined };
    return this.#view.rows(state, place);
  }

  #compared(): Difference | undefined {
    const { table, key, rowKey, json } = this.#view;
    const place = { shard: this.#fold.first!.shard, version: this.#fold.version };
    const expected = this.#expected().map((row) => ({ ...place, ...row }));
    const found = this.#rows.map(({ [key]: _key, ...row }) =>
      json === undefined ? row : { ...row, [json]: parsed(row[json]) },
    );
    if (rowKey === undefined) return firstDifference(expected[0], found[0]);
    const byRowKey = (rows: readonly Readonly<Record<string, unknown>>[]) =>
      new Map(rows.map(({ [rowKey]: name, ...row }) => [name, row]));
    return firstDifference(byRowKey(expected), byRowKey(found), table);
  }
}

function parsed(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    return text;
  }
}

/** "an order", "a payment" */
export function withArticle(kind: string): string {
  return `${/^[aeiou]/.test(kind) ? 'an' : 'a'} ${kind}`;
}
