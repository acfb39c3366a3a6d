/**
 * Owns what becomes of one message: it is performed, and then answered, sent up the retry ladder, or put aside with
 * its reason. A message is given back to the broker as handled only when its outcome is committed, or when a copy of
 * it is confirmed to be in another queue; so it may be doubled by a crash in between, and never lost. Doubles are
 * known by their message id.
 */
import type { Envelope } from 'rabbitmq-client';
import type { Logger } from 'pino';
import type { Clock } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';
import { LastingFailure } from '../../kernel/lasting-failure.ts';
import { DEAD_LETTER_EXCHANGE, RETRY_EXCHANGE } from '../rabbitmq/topology.ts';
import { keptBody, keptText } from './kept-text.ts';
import { bodyBytesOf, copyOf } from './message-copy.ts';
import type { CommandMessage, CommandOutcome, CommandPort, ProblemDocument } from './command-port.ts';
import {
  ATTEMPTS_HEADER,
  DETAIL_HEADER,
  FAILED_AT_HEADER,
  FAILURES_HEADER,
  REASON_HEADER,
  ROUTING_KEY_HEADER,
} from './own-headers.ts';
import { readCommand, routingKeyOf, type Message } from './read-command.ts';
import { historyOf, nextStep, type History } from './retry-ladder.ts';
import { isOwnReplyTo, senderOf } from './sender.ts';

/** What the broker does with the message: forget it, put it back into the queue, or put it aside itself. */
export type Verdict = 'acknowledge' | 'requeue' | 'reject';

export interface CommandPublisher {
  publish(envelope: Envelope, body: Buffer): Promise<void>;
  publishIfRouted(envelope: Envelope, body: Buffer): Promise<void>;
}

export interface CommandFigures {
  /** Committed, now or before. */
  handled: number;
  /** A rule said no. */
  refused: number;
  /** Sent up the ladder. */
  retried: number;
  deadLettered: number;
  /** Given back, because a copy could not be published. */
  requeued: number;
}

export interface CommandHandlerDeps {
  readonly commands: CommandPort;
  readonly publisher: CommandPublisher;
  readonly clock: Clock;
  readonly log: Logger;
  /** Routing keys of the retry exchange, shortest delay first. */
  readonly rungs: readonly string[];
  /** Waits, but not longer than until the consumer is to end. */
  readonly pause: (ms: number) => Promise<unknown>;
}

/**
 * A command that found us busy keeps its place for so long before it climbs: with a bounded number of places the
 * consumer slows down, instead of pumping the whole queue through the ladder.
 */
const BUSY_PAUSE_MS = 500;
/** Before a message goes back to the queue, which gives it out again at once. */
const REQUEUE_PAUSE_MS = 1_000;
/** A header has to fit into one frame with all the others. */
const DETAIL_LENGTH_MAX = 500;

const JSON_PROPERTIES = { contentType: 'application/json', appId: 'holdfast', durable: true } as const;
/** In place of what looked like a card number. */
const REMOVED_NAME = 'removed';

export class CommandHandler {
  readonly figures: CommandFigures = { handled: 0, refused: 0, retried: 0, deadLettered: 0, requeued: 0 };
  readonly #deps: CommandHandlerDeps;
  /** Goes back to the queue, where it stays first in line. */
  readonly #requeues: LastingFailure;
  /** Climbs the ladder of pauses, whose last rung comes again and again: the service can't do it now. */
  readonly #waits: LastingFailure;

  constructor(deps: CommandHandlerDeps) {
    this.#deps = deps;
    const said = { log: deps.log, clock: deps.clock };
    this.#requeues = new LastingFailure({
      ...said,
      what: 'a command by RabbitMQ could not be passed on, and goes back to its queue',
      remedy: 'Look at the reason, and at "npm run -s topology -- verify".',
    });
    this.#waits = new LastingFailure({
      ...said,
      what: 'commands by RabbitMQ can not be handled now',
      remedy: 'They are tried again later. Look at the reason, and at /health/ready of the admin port.',
    });
  }

  /** What is tried again without end. */
  get failures(): readonly LastingFailure[] {
    return [this.#requeues, this.#waits];
  }

  /** Never rejects. */
  async handle(message: Message): Promise<Verdict> {
    const { pause } = this.#deps;
    try {
      const verdict = await this.#handle(message);
      // That others pass says nothing of one that has gone back.
      if (message.redelivered === true) this.#requeues.succeeded();
      return verdict;
    } catch (error) {
      this.#requeues.failed(messageOf(error), this.#namesOf(message));
      this.figures.requeued++;
      await pause(REQUEUE_PAUSE_MS);
      return 'requeue';
    }
  }

  /** @throws what the publisher throws. */
  async #handle(message: Message): Promise<Verdict> {
    const read = readCommand(message, this.#deps.commands.routingKeys);
    if (read.kind === 'fault') {
      const context = { messageId: message.messageId ?? '', instance: routingKeyOf(message) };
      return this.#putAside(
        message,
        read.reason,
        this.#deps.commands.describe(read.fault, context),
        historyOf(message),
      );
    }
    const outcome = await this.#perform(read.command, message);
    if (outcome.kind === 'done' || outcome.kind === 'refused') this.#waits.succeeded();
    switch (outcome.kind) {
      case 'done':
        await this.#reply(message, { ok: true, ...outcome.answer });
        this.figures.handled++;
        return 'acknowledge';
      case 'refused':
        await this.#reply(message, { ok: false, problem: outcome.problem });
        this.figures.refused++;
        return 'acknowledge';
      case 'invalid':
        return this.#putAside(message, outcome.problem.code, outcome.problem, historyOf(message));
      case 'retry':
        this.#waits.failed(outcome.problem.code, this.#namesOf(message));
        await this.#deps.pause(BUSY_PAUSE_MS);
        return this.#climb(message, outcome.problem, false);
      default:
        return this.#climb(message, outcome.problem, true);
    }
  }

  /** A defect of ours counts against the message: the same message may meet it each time. */
  async #perform(
    command: CommandMessage,
    message: Message,
  ): Promise<CommandOutcome | { readonly kind: 'defect'; readonly problem: ProblemDocument }> {
    const { commands, log } = this.#deps;
    try {
      return await commands.perform(command);
    } catch (err) {
      log.error({ ...this.#namesOf(message), err }, 'a command met a defect');
      const fault = { code: 'internal', detail: 'An unexpected error; the log of the node tells more.' } as const;
      const context = { messageId: command.messageId, instance: routingKeyOf(message) };
      return { kind: 'defect', problem: commands.describe(fault, context) };
    }
  }

  async #climb(message: Message, problem: ProblemDocument, counts: boolean): Promise<Verdict> {
    const { publisher, log, rungs } = this.#deps;
    const before = historyOf(message);
    const step = nextStep(before, counts, rungs);
    if (step.kind === 'give_up') return this.#putAside(message, problem.code, problem, before);
    const body = bytesOrNothing(message);
    if (body === undefined) return this.#reject(message);
    const { attempts, failures } = step.history;
    const headers = {
      [ROUTING_KEY_HEADER]: routingKeyOf(message),
      [ATTEMPTS_HEADER]: attempts,
      [FAILURES_HEADER]: failures,
    };
    await publisher.publish({ ...copyOf(message, headers), exchange: RETRY_EXCHANGE, routingKey: step.rung }, body);
    this.figures.retried++;
    log.debug({ ...this.#namesOf(message), reason: problem.code, rung: step.rung, attempts }, 'a command waits');
    return 'acknowledge';
  }

  /** The sender hears it, too: from here on only a person brings the message back. */
  async #putAside(message: Message, reason: string, problem: ProblemDocument, before: History): Promise<Verdict> {
    const { publisher, clock, log } = this.#deps;
    const bytes = bytesOrNothing(message);
    if (bytes === undefined) return this.#reject(message);
    const attempts = before.attempts + 1;
    const headers = {
      [REASON_HEADER]: reason,
      [DETAIL_HEADER]: problem.detail.slice(0, DETAIL_LENGTH_MAX),
      [FAILED_AT_HEADER]: new Date(clock.nowMs()).toISOString(),
      [ATTEMPTS_HEADER]: attempts,
    };
    const copy = copyOf(message, headers, [ROUTING_KEY_HEADER, FAILURES_HEADER]);
    const { routingKey } = this.#namesOf(message);
    await publisher.publish({ ...copy, exchange: DEAD_LETTER_EXCHANGE, routingKey }, keptBody(bytes));
    this.figures.deadLettered++;
    log.warn({ ...this.#namesOf(message), reason, attempts }, 'a command was put aside');
    await this.#reply(message, { ok: false, problem });
    return 'acknowledge';
  }

  /** What can't be copied is the broker's to put aside, with its own reason. */
  #reject(message: Message): Verdict {
    this.figures.deadLettered++;
    this.#deps.log.warn(this.#namesOf(message), 'a command that can not be copied was put aside by the broker');
    return 'reject';
  }

  /**
   * Goes to the sender's own queues only: the node may write where the sender may not. An answer that does not arrive is
   * no reason to do the work again.
   */
  async #reply(message: Message, answer: object): Promise<void> {
    const { replyTo = '', correlationId } = message;
    if (replyTo === '' || !isOwnReplyTo(replyTo, senderOf(message))) return;
    const correlation = correlationId === undefined ? {} : { correlationId };
    const envelope = { ...JSON_PROPERTIES, ...correlation, exchange: '', routingKey: replyTo };
    try {
      await this.#deps.publisher.publishIfRouted(envelope, Buffer.from(JSON.stringify(answer)));
    } catch (error) {
      this.#deps.log.warn({ ...this.#namesOf(message), reason: messageOf(error) }, 'an answer could not be published');
    }
  }

  #namesOf(message: Message) {
    const { messageId = '' } = message;
    return {
      messageId: messageId === '' ? undefined : (keptText(messageId) ?? REMOVED_NAME),
      routingKey: keptText(routingKeyOf(message)) ?? REMOVED_NAME,
    };
  }
}

function bytesOrNothing(message: Message): Buffer | undefined {
  try {
    return bodyBytesOf(message);
  } catch {
    return undefined;
  }
}
