/**
 * Decides about crashed actors, by the directive table and by how often they crash. One that keeps crashing after
 * restarts is set apart. When many entities of a kind do so at once, no entity is at fault, and the worker gives up.
 * Every decision is logged and counted, and the last ones are kept for the health page.
 */
import type { Logger } from 'pino';
import type { Crash, Directive, Guardian } from '../runtime/entity/guardian.ts';
import type { Clock } from '../kernel/clock.ts';
import { messageOf } from '../kernel/errors.ts';
import { crashCodeOf, DIRECTIVES } from './directives.ts';
import { addRestart, type RestartLimit, type RestartWindow } from './restart-window.ts';
import type { Failure } from './worker-report.ts';

const ENTITY_LIMIT: RestartLimit = { restartsMax: 3, windowMs: 60_000 };
const KIND_LIMIT: RestartLimit = { restartsMax: 200, windowMs: 10_000 };
const FAILURES_KEPT = 20;
/** The latest entities whose restarts are remembered. */
const ENTITIES_KEPT = 1_000;
const ERROR_CHARS_MAX = 300;

export class EntityGuardian implements Guardian {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #entities = new Map<string, RestartWindow>();
  readonly #kinds = new Map<string, RestartWindow>();
  readonly #counts: Record<Directive, number> = { resume: 0, restart: 0, stop: 0, escalate: 0 };
  readonly #failures: Failure[] = [];

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  get counts(): Readonly<Record<Directive, number>> {
    return this.#counts;
  }

  /** Newest last. */
  get lastFailures(): readonly Failure[] {
    return this.#failures;
  }

  decide({ kind, entityId, error }: Crash): Directive {
    const code = crashCodeOf(error);
    const directive = this.#limited(DIRECTIVES[code], kind, entityId);
    this.#counts[directive]++;
    const at = new Date(this.#clock.nowMs()).toISOString();
    this.#failures.push({ at, kind, entityId, error: messageOf(error).slice(0, ERROR_CHARS_MAX), directive });
    if (this.#failures.length > FAILURES_KEPT) this.#failures.shift();
    this.#log.error({ entityId, code, directive, err: error }, 'an actor crashed');
    return directive;
  }

  #limited(directive: Directive, kind: string, entityId: string): Directive {
    if (directive !== 'restart') return directive;
    const now = this.#clock.monotonicMs();
    const ofKind = addRestart(this.#kinds.get(kind) ?? [], now, KIND_LIMIT);
    this.#kinds.set(kind, ofKind.window);
    if (ofKind.exceeded) return 'escalate';
    const ofEntity = addRestart(this.#entities.get(entityId) ?? [], now, ENTITY_LIMIT);
    this.#entities.delete(entityId); // to the end: the oldest goes first
    this.#entities.set(entityId, ofEntity.window);
    if (this.#entities.size > ENTITIES_KEPT) this.#entities.delete(this.#entities.keys().next().value!);
    return ofEntity.exceeded ? 'stop' : directive;
  }
}
