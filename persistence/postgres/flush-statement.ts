/**
 * The one statement of a flush, composed once of the views: `mine` locks the shards whose checkpoint stands exactly
 * where the flush began, in their order (two owners of the same shards never deadlock; one that had to wait compares
 * again), `moved` moves them, and every other write joins it: an upsert for each view, and the wake-ups.
 */
import { invariant } from '../../kernel/invariant.ts';
import type { ProjectionFlush } from '../ports.ts';
import type { ViewChange, ViewColumn, ViewDefinition } from '../view-definition.ts';
import { boolArray, int4Array, int8Array, jsonArray, textArray } from './binary-arrays.ts';

export interface FlushStatement {
  readonly text: string;
  /** In the order of the statement's parameters. */
  readonly values: (flush: ProjectionFlush) => Buffer[];
}

/** A column's type in the array that carries it, and how an element of it (`$`) becomes the column's value. */
const CARRIED: Readonly<Record<ViewColumn<unknown>['type'], { readonly array: string; readonly element: string }>> = {
  uuid: { array: 'text', element: '$::uuid' },
  text: { array: 'text', element: '$' },
  json: { array: 'json', element: '$' },
  int: { array: 'int', element: '$' },
  bigint: { array: 'bigint', element: '$' },
  boolean: { array: 'bool', element: '$' },
  timestamptz: { array: 'bigint', element: 'to_timestamp($::float8 / 1000)' },
};

const MOVES = `mine AS (
    SELECT c.shard, move.to_seq
    FROM unnest($1::int[], $2::bigint[], $3::bigint[]) AS move(shard, from_seq, to_seq)
    JOIN projection_checkpoints c ON c.shard = move.shard AND c.seq = move.from_seq
    ORDER BY c.shard
    FOR UPDATE OF c
  ), moved AS (
    UPDATE projection_checkpoints c SET seq = mine.to_seq
    FROM mine
    WHERE c.shard = mine.shard
    RETURNING c.shard
  )`;
const MOVES_PARAMETERS = 3;

/** @throws Error when two views have the same table, or one has no key. */
export function composeFlush(views: readonly ViewDefinition[]): FlushStatement {
  let last = MOVES_PARAMETERS;
  const parameter = (type: string): string => `$${++last}::${type}[]`;
  const upserts = views.map((view) => upsertOf(view, parameter));
  const tables = new Set(views.map(({ table }) => table));
  if (tables.size < views.length) throw new Error(`two views have the same table: ${[...tables].join(', ')}`);
  const text = `
  WITH ${[MOVES, ...upserts].join(', ')}, waiting AS (
    INSERT INTO wake_ups (entity_id, shard, wake_at)
    SELECT w.entity_id, w.shard, to_timestamp(w.wake_at::float8 / 1000)
    FROM unnest(${parameter('text')}, ${parameter('int')}, ${parameter('bigint')}) AS w(entity_id, shard, wake_at)
    JOIN moved USING (shard)
    ON CONFLICT (entity_id) DO UPDATE SET wake_at = excluded.wake_at
  ), settled AS (
    DELETE FROM wake_ups w
    USING unnest(${parameter('text')}, ${parameter('int')}) AS s(entity_id, shard), moved
    WHERE w.entity_id = s.entity_id AND s.shard = moved.shard
  )
  SELECT shard FROM moved`;
  return { text, values: (flush) => valuesOf(views, flush) };
}

function upsertOf({ table, columns }: ViewDefinition, parameter: (type: string) => string): string {
  const own = Object.entries(columns);
  const names = ['shard', 'version', ...own.map(([name]) => name)];
  const arrays = ['int', 'int', ...own.map(([, { type }]) => CARRIED[type].array)].map(parameter);
  // By a function: a name must not be taken for a pattern of the replacement.
  const elements = own.map(([name, { type }]) => CARRIED[type].element.replace('$', () => `v.${name}`));
  const keys = own.filter(([, { written }]) => written === 'key').map(([name]) => name);
  if (keys.length === 0) throw new Error(`the view ${table} has no key`);
  const replaced = ['version', ...own.filter(([, { written }]) => written === 'always').map(([name]) => name)];
  return `into_${table} AS (
    INSERT INTO ${table} (${names.join(', ')})
    SELECT ${['v.shard', 'v.version', ...elements].join(', ')}
    FROM unnest(${arrays.join(', ')}) AS v(${names.join(', ')})
    JOIN moved USING (shard)
    ON CONFLICT (${keys.join(', ')}) DO UPDATE
    SET ${replaced.map((name) => `${name} = excluded.${name}`).join(', ')}
  )`;
}

function valuesOf(views: readonly ViewDefinition[], { moves, changes, wakeUps, settled }: ProjectionFlush): Buffer[] {
  const byView = changesByView(views, changes);
  return [
    int4Array(moves.map(({ shard }) => shard)),
    int8Array(moves.map(({ from }) => from)),
    int8Array(moves.map(({ to }) => to)),
    ...views.flatMap((view) => viewValues(view, byView.get(view)!)),
    textArray(wakeUps.map(({ entityId }) => entityId)),
    int4Array(wakeUps.map(({ shard }) => shard)),
    int8Array(wakeUps.map(({ wakeAt }) => wakeAt)),
    textArray(settled.map(({ entityId }) => entityId)),
    int4Array(settled.map(({ shard }) => shard)),
  ];
}

function changesByView(
  views: readonly ViewDefinition[],
  changes: readonly ViewChange[],
): ReadonlyMap<ViewDefinition, readonly ViewChange[]> {
  const byView = new Map(views.map((view): [ViewDefinition, ViewChange[]] => [view, []]));
  for (const change of changes) {
    const its = byView.get(change.view);
    invariant(its !== undefined, `the store was given the view ${change.view.table}`);
    its.push(change);
  }
  return byView;
}

function viewValues({ columns, rowsOf }: ViewDefinition, changes: readonly ViewChange[]): Buffer[] {
  const own = Object.values(columns);
  if (!rowsOf) return [...places(changes), ...own.map((column) => columnArray(column, changes))];
  /** For each row the change that it comes from. */
  const origins: ViewChange[] = [];
  const rows: unknown[] = [];
  for (const change of changes) {
    for (const row of rowsOf(change)) {
      origins.push(change);
      rows.push(row);
    }
  }
  return [...places(origins), ...own.map((column) => columnArray(column, rows))];
}

function places(changes: readonly ViewChange[]): Buffer[] {
  return [int4Array(changes.map(({ shard }) => shard)), int4Array(changes.map(({ version }) => version))];
}

function columnArray(column: ViewColumn<unknown>, rows: readonly unknown[]): Buffer {
  switch (column.type) {
    case 'uuid':
    case 'text':
      return textArray(rows.map(column.value));
    case 'json':
      return jsonArray(rows.map(column.value));
    case 'int':
      return int4Array(rows.map(column.value));
    case 'bigint':
    case 'timestamptz':
      return int8Array(rows.map(column.value));
    case 'boolean':
      return boolArray(rows.map(column.value));
  }
}
