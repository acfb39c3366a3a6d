/**
 * A view (read model) as data. A kind of actor declares its own in actors/<kind>/view.ts; the flush statement, the
 * catch-up and the stores work over a list of these and know no view by name.
 */
import type { EpochMs } from '../kernel/clock.ts';
import type { Migration } from '../migrations/source.ts';

/** What an entity shows after a committed row: from it come the entity's rows in its view. */
export interface ViewChange<Shown = unknown> {
  readonly view: ViewDefinition;
  readonly entityId: string;
  readonly shard: number;
  readonly version: number;
  /** What a read of the entity answers. */
  readonly shown: Shown;
  /** Where the entity's first row lies in its shard's log. */
  readonly firstSeq: number;
  /** Of the row. */
  readonly at: EpochMs;
  /** Nothing is outstanding after the row. */
  readonly settled: boolean;
}

/**
 * `key`: the columns of the table's primary key. `once`: keeps what the first flush wrote. `always`: every flush
 * replaces it.
 */
type Written = 'key' | 'once' | 'always';

/** A column with its type in PostgreSQL and its value in a row; a `timestamptz` is given as EpochMs. */
export type ViewColumn<Row> = { readonly written: Written } & (
  | { readonly type: 'uuid' | 'text' | 'json'; readonly value: (row: Row) => string | null }
  | { readonly type: 'bigint' | 'timestamptz'; readonly value: (row: Row) => number | null }
  | { readonly type: 'int'; readonly value: (row: Row) => number }
  | { readonly type: 'boolean'; readonly value: (row: Row) => boolean }
);

export interface ViewDefinition {
  /** Made by a migration. */
  readonly table: string;
  /** By their names. Each table has `shard` and `version` as well; the engine adds these two to every row. */
  readonly columns: Readonly<Record<string, ViewColumn<unknown>>>;
  /** One entity's rows: none, one or several. Absent: the change itself is its one row. */
  readonly rowsOf?: (change: ViewChange) => readonly unknown[];
  /** Of a kind from outside: makes its table. Those of this program stand in migrations/. */
  readonly migrations?: readonly Migration[];
}

interface OneRowView<Shown> extends Pick<ViewDefinition, 'table' | 'migrations'> {
  readonly columns: Readonly<Record<string, ViewColumn<ViewChange<Shown>>>>;
}

interface ManyRowsView<Shown, Row> extends Pick<ViewDefinition, 'table' | 'migrations'> {
  readonly rowsOf: (change: ViewChange<Shown>) => readonly Row[];
  readonly columns: Readonly<Record<string, ViewColumn<Row>>>;
}

/** A view with one row an entity. Erases its types: the engine passes back to a view only what its own kind shows. */
export function defineView<Shown>(view: OneRowView<Shown>): ViewDefinition {
  return view as ViewDefinition;
}

/** A view with none, one or several rows an entity. */
export function defineViewOfRows<Shown, Row>(view: ManyRowsView<Shown, Row>): ViewDefinition {
  return view as unknown as ViewDefinition;
}

/** One read of views, as SQL: only fixed text and placeholders go into `text`; every value is a parameter. */
export interface ViewList<Filter, Row> {
  readonly query: (filter: Filter) => { readonly text: string; readonly values: unknown[] };
  /** Of the columns that the query selects. */
  readonly row: (columns: Readonly<Record<string, unknown>>) => Row;
}

/** Reads of views, on sessions of their own. Eventually consistent, typically behind by less than a second. */
export interface ViewReads {
  list<Filter, Row>(list: ViewList<Filter, Row>, filter: Filter): Promise<readonly Row[]>;
}
