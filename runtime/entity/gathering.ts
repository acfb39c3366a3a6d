/**
 * A decision that needs answers of others first: sends the asks of a round, again with backoff where one fails, and
 * reports when all are answered. Nothing of it is stored; whoever wanted the decision asks again after a crash.
 */
import type { GatherAnswer, Send } from '../../kernel/decider.ts';
import type { Answer, CommandSource } from '../ask.ts';
import { backoffMs } from '../../kernel/backoff.ts';
import { EFFECT_TIMEOUT_MS } from './effects.ts';
import type { EntityHost } from './entity-host.ts';

export class Gathering<Asker> {
  readonly command: { readonly type: string };
  readonly source: CommandSource;
  /** Those who wait for the decision: the same command may have come several times. */
  readonly askers: Asker[];
  readonly #entityId: string;
  readonly #host: EntityHost;
  readonly #onRound: () => void;
  /** Answers of all rounds, in the order of their asks. */
  #answers: (GatherAnswer | undefined)[] = [];
  #missing = 0;
  #stopped = false;
  readonly #pauses = new Set<{ cancel(): void }>();
  /** Have failed, and are not answered yet. */
  readonly #failing = new Set<Send>();

  constructor(
    host: EntityHost,
    decision: {
      command: { readonly type: string };
      source: CommandSource;
      askers: Asker[];
      entityId: string;
    },
    onRound: () => void,
  ) {
    this.#host = host;
    this.command = decision.command;
    this.source = decision.source;
    this.askers = decision.askers;
    this.#entityId = decision.entityId;
    this.#onRound = onRound;
  }

  /** All answers so far; complete when `onRound` is called. */
  get answers(): readonly GatherAnswer[] {
    return this.#answers as GatherAnswer[];
  }

  round(asks: readonly Send[]): void {
    const first = this.#answers.length;
    this.#missing = asks.length;
    asks.forEach((ask, index) => {
      this.#answers.push(undefined);
      this.#send(ask, first + index, 0);
    });
  }

  /** Answers that come later are ignored. */
  stop(): void {
    this.#stopped = true;
    for (const pause of this.#pauses) pause.cancel();
    this.#pauses.clear();
    for (const ask of this.#failing) this.#host.steps.over(ask);
    this.#failing.clear();
  }

  #send(ask: Send, index: number, attempt: number): void {
    const { to, commandId, until } = ask;
    const command = ask.command as { type: string };
    const { traceparent } = this.source;
    const sent = { to, command, commandId, traceparent, until, timeoutMs: EFFECT_TIMEOUT_MS };
    this.#host.send(sent, false, (answer) => this.#answered(ask, index, attempt, answer));
  }

  #answered(ask: Send, index: number, attempt: number, answer: Answer): void {
    if (this.#stopped || this.#answers[index] !== undefined) return;
    if (answer.kind === 'failed') {
      const { code, detail } = answer;
      this.#host.steps.failed(ask, code, { entityId: this.#entityId, step: ask.key, to: ask.to, detail });
      this.#failing.add(ask);
      const pause = this.#host.clock.after(backoffMs(attempt), () => {
        this.#pauses.delete(pause);
        if (!this.#stopped) this.#send(ask, index, attempt + 1);
      });
      this.#pauses.add(pause);
      return;
    }
    if (this.#failing.delete(ask)) this.#host.steps.over(ask);
    this.#answers[index] = answer.kind === 'rejected' ? answer : { kind: 'done', value: answer.value };
    if (--this.#missing === 0) this.#onRound();
  }
}
