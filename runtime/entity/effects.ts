/**
 * The effects that one entity waits for: sent after the commit that justifies them, sent again with backoff while they
 * are unanswered, forgotten when the entity no longer waits for them. The same effect has the same command id (or
 * idempotency key) at every sending, so the receiver knows it again.
 *
 *   not running --start--> sent --answered--> concluding(until its own row is durable) --> not running
 *                          sent --failed----> paused --after backoff--> sent
 */
import { LAPSED, type CallOut, type Effect, type GatherAnswer } from '../../kernel/decider.ts';
import { failpoint } from '../../kernel/failpoints.ts';
import { messageOf } from '../../kernel/errors.ts';
import type { Answer } from '../ask.ts';
import { backoffMs } from '../../kernel/backoff.ts';
import type { EntityHost } from './entity-host.ts';

/** An effect's receiver in another worker that hasn't answered by then is asked again. */
export const EFFECT_TIMEOUT_MS = 15_000;

/** Most entities wait for nothing most of the time. Never changed. */
const NO_RUNS: Run[] = [];

interface Run {
  readonly effect: Effect;
  /** The version whose commit started it: names its conclusion. */
  readonly startedAt: number;
  attempt: number;
  pause: { cancel(): void } | undefined;
  phase: 'sent' | 'paused' | 'concluding';
}

export interface Conclusion {
  readonly effect: Effect;
  readonly answer: GatherAnswer;
  readonly commandId: string;
}

/** The entity whose effects they are. */
export interface EffectsOwner {
  readonly entityId: string;
  /** Of the trace that the entity's last row belongs to. */
  readonly traceparent: string | undefined;
  /** Is told of each answer once; the entity then decides, and says `concluded`. */
  conclude(conclusion: Conclusion): void;
}

export class Effects {
  readonly #host: EntityHost;
  readonly #owner: EffectsOwner;
  /** One or two, each with a key of its own. */
  #runs: Run[] = NO_RUNS;
  /** Receivers that this incarnation has spoken to, while it knows that nobody before it did. */
  #contacted: string[] | undefined;

  constructor(host: EntityHost, owner: EffectsOwner) {
    this.#host = host;
    this.#owner = owner;
  }

  get idle(): boolean {
    return this.#runs.length === 0;
  }

  /** The entity's first row was written by this incarnation: whom it hasn't contacted, nobody has. */
  bornHere(): void {
    this.#contacted = [];
  }

  /** Sends what is newly wanted and forgets what is no longer. @param version the committed version that wants it. */
  keep(wanted: readonly Effect[], version: number): void {
    for (const run of this.#runs) {
      if (!wanted.some(({ key }) => key === run.effect.key)) this.#forget(run);
    }
    for (const effect of wanted) {
      if (this.#runOf(effect.key)) continue;
      const run: Run = { effect, startedAt: version, attempt: 0, pause: undefined, phase: 'sent' };
      this.#runs = this.#runs.length === 0 ? [run] : [...this.#runs, run];
      this.#send(run);
    }
  }

  #runOf(key: string): Run | undefined {
    for (const run of this.#runs) if (run.effect.key === key) return run;
    return undefined;
  }

  #forget(run: Run): void {
    run.pause?.cancel();
    if (run.attempt > 0) this.#host.steps.over(run);
    this.#runs = this.#runs.length === 1 ? NO_RUNS : this.#runs.filter((other) => other !== run);
  }

  /**
   * The entity has decided on an answer. `decided`: rows follow, and their commit says what is wanted next; otherwise
   * the answer changed nothing, and while the effect is still wanted it is sent again later.
   */
  concluded(key: string, decided: boolean): void {
    const run = this.#runOf(key);
    if (run?.phase === 'concluding' && !decided) this.#pause(run, 'its answer changed nothing');
  }

  /** The rows of the conclusion are durable: the next `keep` may start the same key anew. */
  settled(key: string): void {
    const run = this.#runOf(key);
    if (run?.phase === 'concluding') this.#forget(run);
  }

  stop(): void {
    for (const run of this.#runs) {
      run.pause?.cancel();
      if (run.attempt > 0) this.#host.steps.over(run);
    }
    this.#runs = NO_RUNS;
  }

  #send(run: Run): void {
    run.phase = 'sent';
    run.pause = undefined;
    const { effect } = run;
    if (effect.kind === 'call') {
      this.#call(run, effect);
      return;
    }
    const { to, commandId, until } = effect;
    const fresh = this.#contacted !== undefined && !this.#contacted.includes(to);
    if (fresh) this.#contacted!.push(to);
    const command = effect.command as { type: string };
    const { traceparent } = this.#owner;
    const ask = { to, command, commandId, traceparent, until, timeoutMs: EFFECT_TIMEOUT_MS };
    this.#host.send(ask, fresh, (answer) => this.#answered(run, answer));
  }

  /** A call starts only before its notAfter; after that the entity decides anew. */
  #call(run: Run, { key, port, call }: CallOut): void {
    if (this.#host.clock.nowMs() > call.notAfter) {
      this.#report(run, { kind: 'done', value: LAPSED });
      return;
    }
    this.#host
      .callOutside(port, call)
      .then(async (outcome) => {
        await failpoint('outside.after');
        this.#report(run, { kind: 'done', value: outcome });
      })
      .catch((error: unknown) => {
        const reason = messageOf(error);
        this.#host.log.debug({ port, step: key, reason }, 'a call to the outside is in doubt');
        this.#failed(run, reason);
      });
  }

  #answered(run: Run, answer: Answer): void {
    if (answer.kind === 'failed') this.#failed(run, answer.code, answer.detail);
    else if (answer.kind === 'rejected') this.#report(run, answer);
    else this.#report(run, { kind: 'done', value: answer.value });
  }

  #report(run: Run, answer: GatherAnswer): void {
    if (!this.#runs.includes(run) || run.phase !== 'sent') return;
    run.phase = 'concluding';
    this.#owner.conclude({ effect: run.effect, answer, commandId: `${run.effect.key}@${run.startedAt}` });
  }

  #failed(run: Run, reason: string, detail?: string): void {
    if (this.#runs.includes(run) && run.phase === 'sent') this.#pause(run, reason, detail);
  }

  #pause(run: Run, reason: string, detail?: string): void {
    run.phase = 'paused';
    const { effect } = run;
    const { key } = effect;
    const to = effect.kind === 'call' ? effect.port : effect.to;
    this.#host.steps.failed(run, reason, { entityId: this.#owner.entityId, step: key, to, detail });
    run.pause = this.#host.clock.after(backoffMs(run.attempt++), () => {
      if (this.#runs.includes(run)) this.#send(run);
    });
  }
}
