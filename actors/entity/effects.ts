/**
 * The effects that one entity waits for: sent after the commit that justifies them, sent again with backoff while they
 * are unanswered, forgotten when the entity no longer waits for them. The same effect has the same command id (or
 * provider key) at every sending, so the receiver knows it again.
 *
 *   not running --start--> sent --answered--> concluding(until its own row is durable) --> not running
 *                          sent --failed----> paused --after backoff--> sent
 */
import { PROVIDER, type Effect, type GatherAnswer } from '../../domain/decider.ts';
import type { ProviderCall } from '../../domain/payment/payment.ts';
import { failpoint } from '../../kernel/failpoints.ts';
import { messageOf } from '../../kernel/errors.ts';
import type { Answer } from '../ask.ts';
import { backoffMs } from '../../kernel/backoff.ts';
import type { EntityHost } from './entity-host.ts';

/** An effect's receiver in another worker that hasn't answered by then is asked again. */
export const EFFECT_TIMEOUT_MS = 15_000;

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

export class Effects {
  readonly #host: EntityHost;
  readonly #traceparent: () => string | undefined;
  readonly #conclude: (conclusion: Conclusion) => void;
  readonly #runs = new Map<string, Run>();
  /** Receivers that this incarnation has spoken to, while it knows that nobody before it did. */
  #contacted: Set<string> | undefined;

  /**
   * @param traceparent of the trace that the entity's last row belongs to.
   * @param conclude is told of each answer once; the entity then decides, and says `concluded`.
   */
  constructor(host: EntityHost, traceparent: () => string | undefined, conclude: (conclusion: Conclusion) => void) {
    this.#host = host;
    this.#traceparent = traceparent;
    this.#conclude = conclude;
  }

  get idle(): boolean {
    return this.#runs.size === 0;
  }

  /** The entity's first row was written by this incarnation: whom it hasn't contacted, nobody has. */
  bornHere(): void {
    this.#contacted = new Set();
  }

  /** Sends what is newly wanted and forgets what is no longer. @param version the committed version that wants it. */
  keep(wanted: readonly Effect[], version: number): void {
    if (this.#runs.size > 0) {
      for (const [key, run] of this.#runs) {
        if (!wanted.some((effect) => effect.key === key)) {
          run.pause?.cancel();
          this.#runs.delete(key);
        }
      }
    }
    for (const effect of wanted) {
      if (this.#runs.has(effect.key)) continue;
      const run: Run = { effect, startedAt: version, attempt: 0, pause: undefined, phase: 'sent' };
      this.#runs.set(effect.key, run);
      this.#send(run);
    }
  }

  /**
   * The entity has decided on an answer. `decided`: rows follow, and their commit says what is wanted next; otherwise
   * the answer changed nothing, and while the effect is still wanted it is sent again later.
   */
  concluded(key: string, decided: boolean): void {
    const run = this.#runs.get(key);
    if (run?.phase !== 'concluding') return;
    if (decided) return;
    this.#pause(run);
  }

  /** The rows of the conclusion are durable: the next `keep` may start the same key anew. */
  settled(key: string): void {
    if (this.#runs.get(key)?.phase === 'concluding') this.#runs.delete(key);
  }

  stop(): void {
    for (const run of this.#runs.values()) run.pause?.cancel();
    this.#runs.clear();
  }

  #send(run: Run): void {
    run.phase = 'sent';
    run.pause = undefined;
    const { effect } = run;
    if (effect.to === PROVIDER) {
      void this.#call(run, effect.command as ProviderCall);
      return;
    }
    const fresh = this.#contacted !== undefined && !this.#contacted.has(effect.to);
    this.#contacted?.add(effect.to);
    const { to, commandId, until } = effect;
    const command = effect.command as { type: string };
    const traceparent = this.#traceparent();
    const ask = { to, command, commandId, traceparent, until, timeoutMs: EFFECT_TIMEOUT_MS };
    this.#host.send(ask, fresh, (answer) => this.#answered(run, answer));
  }

  /** A call starts only before its notAfter; after that the entity decides anew. */
  async #call(run: Run, call: ProviderCall): Promise<void> {
    try {
      const lapsed = this.#host.clock.nowMs() > call.notAfter;
      const outcome = lapsed ? { kind: 'lapsed' } : await this.#host.callProvider(call);
      await failpoint('provider.after');
      this.#report(run, { kind: 'done', value: outcome });
    } catch (error) {
      this.#host.log.debug({ step: call.step, reason: messageOf(error) }, 'a provider call is in doubt');
      this.#failed(run);
    }
  }

  #answered(run: Run, answer: Answer): void {
    if (answer.kind === 'failed') this.#failed(run);
    else if (answer.kind === 'rejected') this.#report(run, answer);
    else this.#report(run, { kind: 'done', value: answer.value });
  }

  #report(run: Run, answer: GatherAnswer): void {
    if (this.#runs.get(run.effect.key) !== run || run.phase !== 'sent') return;
    run.phase = 'concluding';
    this.#conclude({ effect: run.effect, answer, commandId: `${run.effect.key}@${run.startedAt}` });
  }

  #failed(run: Run): void {
    if (this.#runs.get(run.effect.key) === run && run.phase === 'sent') this.#pause(run);
  }

  #pause(run: Run): void {
    run.phase = 'paused';
    run.pause = this.#host.after(backoffMs(run.attempt++), () => {
      if (this.#runs.get(run.effect.key) === run) this.#send(run);
    });
  }
}
