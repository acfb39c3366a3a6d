/**
 * A database with one order of every ending, over products whose ids are awkward to sort, and the audit of it: what the
 * audit's specs damage.
 */
import { expect } from 'chai';
import { ACTORS } from '../../actors/index.ts';
import { auditDatabase, type AuditResult } from '../../audit/audit-database.ts';
import type { AuditedInvariant } from '../../audit/findings.ts';
import { JournalWriter } from './journal-writer.ts';
import { createScratchDatabase, type ScratchDatabase } from './scratch-database.ts';

export const STARTED_AT = Date.UTC(2026, 0, 15, 12);
const SETTLE_GRACE_MS = 60_000;
/** A member that is there moves views within it, in the specs that have one. */
const VIEWS_STILL_MS = 1_000;

export const orderId = (n: number): string => `0190a0b0-0000-7000-8000-${String(n).padStart(12, '0')}`;
export const CONFIRMED = orderId(1);
export const SHORT = orderId(2);
const DECLINED = orderId(3);
export const CANCELLED = orderId(4);
const UNCAPTURED = orderId(5);
export const MANUAL = orderId(6);

/** The orders' rows and read models, not written yet. */
export function endings(): JournalWriter {
  const writer = new JournalWriter(STARTED_AT);
  for (const productId of ['85123A', '85123a', 'lamp 1', 'lamp-1', '\u{1f4a1}', '\uff21'])
    writer.setStock(productId, 100);
  const line = (productId: string, quantity: number) => ({ productId, quantity, unitPrice: 255 });
  writer.placeOrder(CONFIRMED, {
    lines: [line('85123A', 6), line('85123a', 2), line('85123A', 1)],
    externalReference: '536365',
  });
  writer.placeOrder(SHORT, { lines: [line('85123A', 1), line('lamp 1', 101)] });
  writer.placeOrder(DECLINED, { lines: [line('\u{1f4a1}', 3)], paymentMethod: { type: 'card', token: 'tok_decline' } });
  writer.placeOrder(CANCELLED, { lines: [line('\uff21', 4), line('85123A', 5)] });
  writer.cancelOrder(CANCELLED);
  writer.placeOrder(UNCAPTURED, {
    lines: [line('lamp-1', 1)],
    paymentMethod: { type: 'card', token: 'tok_capture_fail' },
  });
  writer.placeOrder(MANUAL, { lines: [line('85123A', 9)], confirmation: 'manual' });
  writer.startEpoch(0, 2);
  return writer;
}

export class AuditedDatabase {
  readonly #database: ScratchDatabase;

  private constructor(database: ScratchDatabase) {
    this.#database = database;
  }

  static async create(): Promise<AuditedDatabase> {
    const database = await createScratchDatabase();
    await endings().write(database.url);
    return new AuditedDatabase(database);
  }

  query(sql: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]> {
    return this.#database.query(sql, values);
  }

  audit(settleGraceMs = SETTLE_GRACE_MS, viewsStillMs = VIEWS_STILL_MS): Promise<AuditResult> {
    return auditDatabase(this.#database.url, ACTORS, {
      settleGraceMs,
      viewsStillMs,
      stage: () => undefined,
      progress: () => undefined,
    });
  }

  /** Damages, then audits. */
  async auditAfter(...statements: readonly string[]): Promise<AuditResult> {
    for (const statement of statements) await this.query(statement);
    return this.audit();
  }

  drop(): Promise<void> {
    return this.#database.drop();
  }
}

/** The entity is among the offenders of the invariant, with its finding. */
export function expectOffender(
  { findings }: AuditResult,
  invariant: AuditedInvariant,
  entityId: string,
  found: string,
): void {
  const offenders = findings.offendersOf(invariant);
  expect(offenders.map((offender) => offender.entityId)).to.include(entityId);
  expect(offenders.find((offender) => offender.entityId === entityId)?.found).to.include(found);
}
