/** What becomes of a message, by the outcome of its command. */
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import type { Envelope } from 'rabbitmq-client';
import { commandMessage, failure, ScriptedCommands } from '../../test/support/command-messages.ts';
import { HeldClock } from '../../test/support/manual-clock.ts';
import { keptLog } from '../../test/support/silent-log.ts';
import { CommandHandler, type CommandPublisher } from './command-handler.ts';
import type { CommandPort } from './command-port.ts';
import type { Message } from './read-command.ts';

interface Published extends Envelope {
  readonly text: string;
}

class FakePublisher implements CommandPublisher {
  readonly published: Published[] = [];
  readonly answers: Published[] = [];
  fault: Error | undefined;

  publish(envelope: Envelope, body: Buffer): Promise<void> {
    if (this.fault) return Promise.reject(this.fault);
    this.published.push({ ...envelope, text: body.toString() });
    return Promise.resolve();
  }
  publishIfRouted(envelope: Envelope, body: Buffer): Promise<void> {
    if (this.fault) return Promise.reject(this.fault);
    this.answers.push({ ...envelope, text: body.toString() });
    return Promise.resolve();
  }
}

const RUNGS = ['1s', '10s', '60s'];

describe('handling a command', () => {
  let publisher: FakePublisher;
  let pauses: number[];
  let log: ReturnType<typeof keptLog>;

  beforeEach(() => {
    publisher = new FakePublisher();
    pauses = [];
    log = keptLog();
  });

  function handlerOf(commands: CommandPort): CommandHandler {
    const pause = (ms: number): Promise<unknown> => Promise.resolve(pauses.push(ms));
    return new CommandHandler({ commands, publisher, clock: new HeldClock(), log: log.log, rungs: RUNGS, pause });
  }
  const ASKS_BACK = { userId: 'shop', replyTo: 'shop.replies.1', correlationId: 'c-1' };
  const returned = (attempts: number, failures: number): Partial<Message> => ({
    exchange: '',
    routingKey: 'orders.commands',
    headers: { 'x-routing-key': 'order.cancel.v1', 'x-attempts': attempts, 'x-failures': failures },
  });

  it('acknowledges what is done, and answers who asked', async () => {
    const handler = handlerOf(new ScriptedCommands({ kind: 'done', answer: { order: { orderId: 'o' } } }));
    expect(await handler.handle(commandMessage())).to.equal('acknowledge');
    expect(publisher.answers).to.have.length(0);
    expect(await handler.handle(commandMessage(ASKS_BACK))).to.equal('acknowledge');
    expect(publisher.answers).to.have.length(1);
    expect(publisher.answers[0]).to.include({
      exchange: '',
      routingKey: 'shop.replies.1',
      correlationId: 'c-1',
      contentType: 'application/json',
      text: '{"ok":true,"order":{"orderId":"o"}}',
    });
    expect(handler.figures).to.include({ handled: 2, deadLettered: 0 });
  });

  it('answers and acknowledges what a rule refuses: it is an outcome', async () => {
    const handler = handlerOf(new ScriptedCommands(failure('refused', 'illegal_transition')));
    expect(await handler.handle(commandMessage(ASKS_BACK))).to.equal('acknowledge');
    expect(JSON.parse(publisher.answers[0]!.text)).to.deep.equal({
      ok: false,
      problem: { code: 'illegal_transition', detail: 'because of illegal_transition' },
    });
    expect(publisher.published).to.have.length(0);
    expect(handler.figures).to.include({ handled: 0, refused: 1 });
  });

  it('puts aside at once, with its reason, what can never succeed', async () => {
    const handler = handlerOf(new ScriptedCommands(failure('invalid', 'validation_failed')));
    expect(await handler.handle(commandMessage({ ...ASKS_BACK, headers: { traceparent: 't' } }))).to.equal(
      'acknowledge',
    );
    const [letter] = publisher.published;
    expect(letter).to.include({
      exchange: 'orders.dlx',
      routingKey: 'order.cancel.v1',
      messageId: 'm-1',
      durable: true,
    });
    expect(letter?.text).to.equal(JSON.stringify(commandMessage().body));
    expect(letter?.headers).to.deep.equal({
      traceparent: 't',
      'x-user-id': 'shop',
      'x-reason': 'validation_failed',
      'x-detail': 'because of validation_failed',
      'x-failed-at': '2026-01-15T12:00:00.000Z',
      'x-attempts': 1,
    });
    expect(JSON.parse(publisher.answers[0]!.text)).to.have.nested.property('problem.code', 'validation_failed');
    expect(handler.figures.deadLettered).to.equal(1);
  });

  it('puts aside what never became a command, without performing anything', async () => {
    const commands = new ScriptedCommands();
    const handler = handlerOf(commands);
    await handler.handle(commandMessage({ routingKey: 'order.ship.v1' }));
    await handler.handle(commandMessage({ body: Buffer.from('{') }));
    expect(commands.performed).to.have.length(0);
    expect(publisher.published.map(({ headers }) => headers?.['x-reason'])).to.deep.equal([
      'unknown_type',
      'malformed_json',
    ]);
    expect(publisher.published[1]?.text).to.equal('{');
  });

  it('keeps no card number, whatever else is wrong with the message and wherever it stands', async () => {
    const card = '4111 1111 1111 1111';
    const body = { note: card };
    const handler = handlerOf(new ScriptedCommands(failure('invalid', 'validation_failed')));
    const messages: readonly Partial<Message>[] = [
      { body },
      { body: Buffer.from(JSON.stringify(body)) },
      { body: { note: 4111111111111111 } },
      { body: { [card]: 1 } },
      { body: Buffer.from(`{"note": "${card}`) },
      { body: Buffer.from(`note=${card}`), contentType: 'text/plain' },
      { body: Buffer.from(JSON.stringify({ note: '４１１１\u20091111\u20091111\u20091111' })) },
      { body: gzipSync(JSON.stringify(body)), contentEncoding: 'gzip' },
      { body, routingKey: 'order.ship.v1' },
      { body: Buffer.from(JSON.stringify({ note: card.padEnd(1_100_000) })) },
      { body: Buffer.from(`{"note": ${card.padEnd(100_000)}`) },
      { messageId: card },
      { appId: card },
      { userId: card },
      { correlationId: card, type: card },
      { routingKey: `order.${card}.v1` },
      { headers: { note: card, [card]: 1, list: [{ note: card }] } },
      { headers: { 'on-behalf-of': card } },
    ];
    for (const message of messages) await handler.handle(commandMessage(message));
    expect(publisher.published).to.have.length(messages.length);
    for (const [index, letter] of publisher.published.entries()) {
      expect(JSON.stringify(letter), `of message ${index}`).not.to.match(/4111|４１１１/);
      expect(JSON.stringify(letter), `of message ${index}`).not.to.include('[31,139,'); // what gzip begins with
    }
    expect(JSON.stringify(log.lines)).not.to.include('4111');
  });

  it('keeps the body of a message with an article number that looks like a card number', async () => {
    const body = Buffer.from('{"orderLines":[{"productId":"4111111111111111"}]}');
    await handlerOf(new ScriptedCommands(failure('invalid', 'validation_failed'))).handle(commandMessage({ body }));
    expect(publisher.published[0]?.text).to.equal(body.toString());
  });

  it('sends a command for an unknown order up the ladder, and gives it up after the last rung', async () => {
    const handler = handlerOf(new ScriptedCommands(failure('not_yet', 'not_found')));
    await handler.handle(commandMessage());
    const first = publisher.published[0];
    expect(first).to.include({ exchange: 'orders.retry', routingKey: '1s', messageId: 'm-1' });
    expect(first?.headers).to.deep.equal({ 'x-routing-key': 'order.cancel.v1', 'x-attempts': 1, 'x-failures': 1 });
    await handler.handle(commandMessage(returned(1, 1)));
    await handler.handle(commandMessage(returned(2, 2)));
    await handler.handle(commandMessage({ ...returned(3, 3), ...ASKS_BACK }));
    expect(publisher.published.map(({ routingKey }) => routingKey)).to.deep.equal([
      '1s',
      '10s',
      '60s',
      'order.cancel.v1',
    ]);
    expect(publisher.published[3]?.headers).to.include({ 'x-reason': 'not_found', 'x-attempts': 4 });
    expect(publisher.published[3]?.headers).not.to.have.any.keys('x-routing-key', 'x-failures');
    expect(publisher.answers).to.have.length(1);
    expect(handler.figures).to.include({ retried: 3, deadLettered: 1 });
    expect(pauses).to.deep.equal([]);
  });

  it('slows down where we are busy, and never gives up for that', async () => {
    const handler = handlerOf(new ScriptedCommands(failure('retry', 'overloaded')));
    await handler.handle(commandMessage());
    await handler.handle(commandMessage(returned(50, 0)));
    expect(publisher.published.map(({ routingKey }) => routingKey)).to.deep.equal(['1s', '60s']);
    expect(publisher.published[1]?.headers).to.include({ 'x-attempts': 51, 'x-failures': 0 });
    expect(pauses).to.deep.equal([500, 500]);
    expect(publisher.answers).to.deep.equal([]);
  });

  it('tries a command again that met a defect of ours, by the ladder and not in a loop', async () => {
    const handler = handlerOf(new ScriptedCommands(new Error('a defect with tok_secret')));
    expect(await handler.handle(commandMessage())).to.equal('acknowledge');
    expect(publisher.published[0]).to.include({ exchange: 'orders.retry', routingKey: '1s' });
    await handler.handle(commandMessage(returned(3, 3)));
    expect(publisher.published[1]?.headers).to.include({ 'x-reason': 'internal' });
    expect(publisher.published[1]?.headers?.['x-detail']).not.to.include('tok_secret');
  });

  it('gives a message back, after a pause, that could not be passed on', async () => {
    const handler = handlerOf(new ScriptedCommands(failure('invalid', 'validation_failed')));
    publisher.fault = new Error('no broker');
    expect(await handler.handle(commandMessage())).to.equal('requeue');
    expect(pauses).to.deep.equal([1_000]);
    expect(handler.figures).to.include({ deadLettered: 0, requeued: 1 });
  });

  it('says what is at fault when it goes back again and again, while others pass', async () => {
    const clock = new HeldClock();
    const commands = new ScriptedCommands(failure('invalid', 'validation_failed'));
    const pause = (ms: number): Promise<unknown> => Promise.resolve(clock.advance(ms));
    const handler = new CommandHandler({ commands, publisher, clock, log: log.log, rungs: RUNGS, pause });
    for (let second = 0; second < 15; second++) {
      publisher.fault = new Error('no such exchange');
      await handler.handle({ ...commandMessage(), redelivered: second > 0 });
      publisher.fault = undefined;
      await handler.handle(commandMessage());
    }
    const text = (): string => handler.failures.flatMap((each) => each.text ?? []).join();
    expect(text()).to.include('goes back to its queue').and.include('no such exchange');
    await handler.handle({ ...commandMessage(), redelivered: true });
    expect(text()).to.equal('');
  });

  it('says what is at fault when commands climb the ladder without end', async () => {
    const clock = new HeldClock();
    const pause = (ms: number): Promise<unknown> => Promise.resolve(clock.advance(ms));
    const outcomes = { commands: new ScriptedCommands(failure('retry', 'unavailable')) };
    const options = { publisher, clock, log: log.log, rungs: RUNGS, pause };
    const handler = new CommandHandler({ ...options, ...outcomes });
    for (let tries = 0; tries < 30; tries++) await handler.handle(commandMessage());
    expect(handler.failures.flatMap(({ text }) => text ?? []).join()).to.include('unavailable');
    expect(log.lines.filter(({ level }) => Number(level) >= 50)[0]!['msg']).to.include('can not be handled now');
  });

  it('does not do the work again for an answer that could not be given', async () => {
    const handler = handlerOf(new ScriptedCommands({ kind: 'done', answer: { order: {} } }));
    publisher.fault = new Error('no such queue');
    expect(await handler.handle(commandMessage(ASKS_BACK))).to.equal('acknowledge');
    expect(handler.figures.handled).to.equal(1);
  });

  it('leaves to the broker what can not be copied', async () => {
    let body: unknown = [];
    for (let depth = 0; depth < 100_000; depth++) body = [body];
    const handler = handlerOf(new ScriptedCommands(failure('invalid', 'validation_failed')));
    expect(await handler.handle(commandMessage({ body }))).to.equal('reject');
  });
});
