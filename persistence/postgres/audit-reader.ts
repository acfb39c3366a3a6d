/**
 * Reads the whole database for the audit: one consistent picture (REPEATABLE READ, READ ONLY), streamed through
 * server-side cursors in batches, so that memory does not grow with the database. Never writes, takes no locks that a
 * running node would notice.
 *
 * Text is ordered by its bytes, because the audit merges streams and must order as the server does. Where the column's
 * own collation does so (`C`) the unique index gives the order; elsewhere the server sorts.
 */
import pg from 'pg';
import type { EpochMs } from '../../kernel/clock.ts';
import { EPOCH_ENTITY_PREFIX, PREFIX_LENGTH } from '../../kernel/entity-id.ts';
import { messageOf, StartupError } from '../../kernel/errors.ts';
import type {
  AuditedApart,
  AuditedRow,
  AuditedPlace,
  AuditedSnapshot,
  AuditedViewRow,
  AuditedWakeUp,
} from './audited-rows.ts';
import { connectionProblem } from './connection-problem.ts';
import { connectionConfig } from './connection.ts';

/** One FETCH may have to sort the whole journal first. */
const FETCH_TIMEOUT_MS = 15 * 60_000;
const FIRST_BATCH_ROWS = 10;
const BATCH_ROWS_MAX = 2_000;
const BATCH_BYTES_AIMED_AT = 1024 * 1024;
const APART_SHOWN_MAX = 20;

/** Which columns of a read model are read, and under which names. */
export interface ViewColumns {
  readonly table: string;
  readonly columns: Readonly<Record<string, string>>;
  readonly key: string;
  readonly rowKey?: string;
  readonly json?: string;
}

export class AuditReader {
  readonly #client: pg.Client;
  readonly #byBytes: (column: string) => string;
  #cursors = 0;
  /** The cursors share one session, which takes one statement at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(client: pg.Client, ordersByBytes: boolean) {
    this.#client = client;
    this.#byBytes = (column) => (ordersByBytes ? column : `${column} COLLATE "C"`);
  }

  /** @throws StartupError when the database can't be reached, or has no journal. */
  static async open(databaseUrl: string): Promise<AuditReader> {
    const client = new pg.Client({
      ...connectionConfig(databaseUrl, 'holdfast/audit'),
      statement_timeout: FETCH_TIMEOUT_MS,
      query_timeout: FETCH_TIMEOUT_MS,
      idle_in_transaction_session_timeout: FETCH_TIMEOUT_MS,
    });
    client.on('error', () => undefined); // the query that is under way, or the next one, fails by itself
    try {
      await client.connect();
    } catch (error) {
      throw new StartupError(connectionProblem(error), { cause: error });
    }
    try {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      const found = await client.query<{ present: boolean; collation: string | null }>(`
        SELECT to_regclass('journal') IS NOT NULL AS present,
               (SELECT CASE WHEN c.collname = 'default' THEN d.datcollate ELSE c.collname END
                FROM pg_attribute a JOIN pg_collation c ON c.oid = a.attcollation, pg_database d
                WHERE a.attrelid = to_regclass('journal') AND a.attname = 'entity_id' AND d.datname = current_database()
               ) AS collation`);
      const { present, collation } = found.rows[0] ?? { present: false, collation: null };
      if (!present)
        throw new StartupError(
          'The database has no journal: no node was ever started on it. Check DATABASE_URL or DATA_DIR.',
        );
      return new AuditReader(client, /^(C|POSIX|C\.UTF-?8)$/i.test(collation ?? ''));
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
  }

  /** @throws StartupError: an audit that loses its database can't say anything. */
  async #query<Row>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    const answered = this.#turn.then(() => this.#client.query(sql, [...values]));
    this.#turn = answered.catch(() => undefined);
    try {
      return (await answered).rows as Row[];
    } catch (error) {
      throw new StartupError(
        `The database failed while it was read: ${messageOf(error)}. Check the database and run this again.`,
        {
          cause: error,
        },
      );
    }
  }

  /** Ends the picture and the session. */
  async close(): Promise<void> {
    await this.#client.end().catch(() => undefined);
  }

  /** The server's clock when the picture was taken. */
  async takenAt(): Promise<EpochMs> {
    const [row] = await this.#query<{ at: number }>('SELECT transaction_timestamp() AS at');
    return row!.at;
  }

  async rowCount(): Promise<number> {
    const [row] = await this.#query<{ rows: number }>('SELECT count(*) AS rows FROM journal');
    return row!.rows;
  }

  async checkpoints(): Promise<Map<number, number>> {
    const rows = await this.#query<{ shard: number; seq: number }>('SELECT shard, seq FROM projection_checkpoints');
    return new Map(rows.map(({ shard, seq }) => [shard, seq]));
  }

  /** Entities on the list of those set apart: their number, and the oldest of them. */
  async setApart(): Promise<{ readonly count: number; readonly first: readonly AuditedApart[] }> {
    const [row] = await this.#query<{ count: number }>('SELECT count(*) AS count FROM quarantine');
    const first = await this.#query<AuditedApart>(
      'SELECT entity_id AS "entityId", shard, reason FROM quarantine ORDER BY since, entity_id LIMIT $1',
      [APART_SHOWN_MAX],
    );
    return { count: row!.count, first };
  }

  /** Every row, by (shard, seq). */
  places(): AsyncGenerator<AuditedPlace[]> {
    return this.#stream<AuditedPlace>(
      `SELECT shard, seq, epoch, entity_id AS "entityId", version,
              CASE WHEN left(entity_id, ${PREFIX_LENGTH}) = '${EPOCH_ENTITY_PREFIX}' THEN events END AS events
       FROM journal ORDER BY shard, seq`,
      (row) => row.entityId.length,
    );
  }

  /** The rows of one kind of entity, by (entity id, version). */
  rows(prefix: string): AsyncGenerator<AuditedRow[]> {
    const entityId = this.#byBytes('entity_id');
    return this.#stream<AuditedRow>(
      `SELECT shard, seq, epoch, entity_id AS "entityId", version, command_id AS "commandId", wake_at AS "wakeAt", events, at,
              meta->>'fingerprint' AS fingerprint
       FROM journal WHERE ${entityId} >= '${prefix}' AND ${entityId} < '${behind(prefix)}' ORDER BY ${entityId}, version`,
      (row) => row.events.length,
    );
  }

  /** The rows of a read model, by its key. */
  view(
    { table, columns, key, rowKey, json }: ViewColumns,
    keyForm: 'uuid' | undefined,
  ): AsyncGenerator<AuditedViewRow[]> {
    const selected = Object.entries({ shard: 'shard', version: 'version', ...columns }).map(
      ([member, column]) => `${column} AS "${member}"`,
    );
    // The order of UUIDs is that of their bytes, and so that of their texts.
    const order = [keyForm === 'uuid' ? columns[key]! : `${columns[key]} COLLATE "C"`];
    if (rowKey !== undefined) order.push(`${columns[rowKey]} COLLATE "C"`);
    const measured = json ?? key;
    return this.#stream<AuditedViewRow>(
      `SELECT ${selected.join(', ')} FROM ${table} ORDER BY ${order.join(', ')}`,
      (row) => (row[measured] as string).length,
    );
  }

  /** The snapshots of one kind of entity, by entity id. */
  snapshots(prefix: string): AsyncGenerator<AuditedSnapshot[]> {
    return this.#snapshotsWhere(`left(entity_id, ${PREFIX_LENGTH}) = '${prefix}'`);
  }

  /** Those of no kind of these. */
  otherSnapshots(prefixes: readonly string[]): AsyncGenerator<AuditedSnapshot[]> {
    return this.#snapshotsWhere(isNoneOf(prefixes));
  }

  #snapshotsWhere(condition: string): AsyncGenerator<AuditedSnapshot[]> {
    return this.#stream<AuditedSnapshot>(
      `SELECT entity_id AS "entityId", shard, version, schema, state FROM snapshots
       WHERE ${condition} ORDER BY entity_id COLLATE "C"`,
      (row) => row.state.length,
    );
  }

  /** The wake-ups of one kind of entity, by entity id. */
  wakeUps(prefix: string): AsyncGenerator<AuditedWakeUp[]> {
    return this.#wakeUpsWhere(`left(entity_id, ${PREFIX_LENGTH}) = '${prefix}'`);
  }

  /** Those of no kind of these. */
  otherWakeUps(prefixes: readonly string[]): AsyncGenerator<AuditedWakeUp[]> {
    return this.#wakeUpsWhere(isNoneOf(prefixes));
  }

  #wakeUpsWhere(condition: string): AsyncGenerator<AuditedWakeUp[]> {
    return this.#stream<AuditedWakeUp>(
      `SELECT entity_id AS "entityId", shard, wake_at AS "wakeAt" FROM wake_ups
       WHERE ${condition} ORDER BY entity_id COLLATE "C"`,
      (row) => row.entityId.length,
    );
  }

  /** Where the rows of one command of one entity lie. */
  async placesOfCommand(entityId: string, commandId: string): Promise<{ shard: number; seq: number }[]> {
    return await this.#query(
      'SELECT shard, seq FROM journal WHERE entity_id = $1 AND command_id = $2 ORDER BY shard, seq LIMIT 10',
      [entityId, commandId],
    );
  }

  /** `sql` is ours and has no parameters. While a batch is used the next one is on its way. */
  async *#stream<Row>(sql: string, bytesOf: (row: Row) => number): AsyncGenerator<Row[]> {
    const cursor = `audit_${++this.#cursors}`;
    await this.#query(`DECLARE ${cursor} NO SCROLL CURSOR FOR ${sql}`);
    let batchRows = FIRST_BATCH_ROWS;
    const fetchBatch = (): Promise<Row[]> => this.#query<Row>(`FETCH ${batchRows} FROM ${cursor}`);
    let coming = fetchBatch();
    for (;;) {
      const rows = await coming;
      if (rows.length === 0) break;
      const bytes = rows.reduce((sum, row) => sum + bytesOf(row), 0);
      batchRows = Math.max(
        1,
        Math.min(BATCH_ROWS_MAX, Math.floor(BATCH_BYTES_AIMED_AT / Math.max(1, bytes / rows.length))),
      );
      coming = fetchBatch();
      coming.catch(() => undefined); // the request for the next batch gets the error
      yield rows;
    }
    await this.#query(`CLOSE ${cursor}`);
  }
}

/** The first text, by its bytes, that is greater than everything that begins with `prefix`. */
function behind(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}

/** A condition in SQL; prefixes are ours, three letters and "_". */
function isNoneOf(prefixes: readonly string[]): string {
  if (prefixes.length === 0) return 'true';
  return `left(entity_id, ${PREFIX_LENGTH}) NOT IN (${prefixes.map((prefix) => `'${prefix}'`).join(', ')})`;
}
