import { expect } from 'chai';
import { createLogger } from './logger.ts';
import { redactSecrets } from './redact.ts';
import { RepeatedCauses } from './repeated-causes.ts';
import { isOutage, messageOf } from './errors.ts';

function logger() {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string): void => void lines.push(JSON.parse(line) as Record<string, unknown>);
  const log = createLogger({ level: 'info', base: { worker: 'w0' }, destination: { write } });
  return { log, lines };
}

const refused = (): Error => Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:5432'), { code: 'ECONNREFUSED' });

describe('the logger', () => {
  it('writes ISO times and names of levels', () => {
    const { log, lines } = logger();
    log.info({ tookMs: 3 }, 'it happened');
    expect(lines[0]).to.include({ level: 'info', worker: 'w0', msg: 'it happened', tookMs: 3 });
    expect(new Date(lines[0]!['time'] as string).toISOString()).to.equal(lines[0]!['time']);
  });

  it('writes one line for a cause that repeats, whatever numbers and identities differ', () => {
    const { log, lines } = logger();
    for (let entity = 0; entity < 70; entity++)
      log.error({ entityId: `ord_${entity}`, reason: `timed out after ${entity} ms` }, 'it could not be read');
    expect(lines).to.have.length(1);
  });

  it('writes each cause, and the same cause of another message', () => {
    const { log, lines } = logger();
    log.warn({ reason: 'away' }, 'one');
    log.warn({ reason: 'refused' }, 'one');
    log.warn({ reason: 'away' }, 'two');
    log.warn('three');
    expect(lines).to.have.length(4);
  });

  it('never holds back what is no failure, nor the last line of a process', () => {
    const { log, lines } = logger();
    for (let time = 0; time < 3; time++) log.info('started');
    for (let time = 0; time < 3; time++) log.fatal('the worker gives up');
    expect(lines).to.have.length(6);
  });

  it('folds the lines of a child as well', () => {
    const { log, lines } = logger();
    for (let time = 0; time < 3; time++) log.child({ slot: 1 }).warn({ reason: 'away' }, 'one');
    expect(lines).to.have.length(1);
    expect(lines[0]).to.include({ slot: 1 });
  });

  it('writes the stack of a defect, and none of an outage', () => {
    const { log, lines } = logger();
    log.error({ err: new TypeError('x is undefined') }, 'a defect');
    log.error({ err: refused() }, 'an outage');
    expect(lines[0]!['err']).to.have.property('stack').that.includes('logger.unit.spec');
    expect(lines[1]!['err']).to.deep.equal({
      type: 'Error',
      message: 'connect ECONNREFUSED 127.0.0.1:5432',
      code: 'ECONNREFUSED',
    });
  });

  it('writes no secret, wherever it stands', () => {
    const { log, lines } = logger();
    const url = 'postgres://shop:s3cret@db:5432/orders';
    log.info({ url, nested: { list: [url] } }, `connecting to ${url}`);
    log.error({ err: new Error(`no route to amqp://guest:s3cret@mq/`) }, 'an error');
    expect(JSON.stringify(lines)).not.to.include('s3cret');
    expect(JSON.stringify(lines)).to.include('postgres://shop:***@db:5432/orders');
  });
});

describe('redactSecrets', () => {
  const CASES: readonly (readonly [text: string, expected: string])[] = [
    ['amqps://u:p%40ss@mq.example/v', 'amqps://u:***@mq.example/v'],
    ['amqp://u:p@ss@mq/v', 'amqp://u:***@mq/v'],
    ['postgresql://:secret@/db?host=/run', 'postgresql://:***@/db?host=/run'],
    [
      'postgres://u@h/db?user=x&password=secret&sslmode=require',
      'postgres://u@h/db?user=x&password=***&sslmode=require',
    ],
    ['http://127.0.0.1:3000/docs', 'http://127.0.0.1:3000/docs'],
    ['mail me@example.com at 10:30', 'mail me@example.com at 10:30'],
    ['Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.abcdefghijk-_', 'Bearer ***'],
  ];
  for (const [text, expected] of CASES)
    it(`turns ${text.slice(0, 40)} into ${expected.slice(0, 40)}`, () =>
      expect(redactSecrets(text)).to.equal(expected));

  it('takes time in proportion to the text', () => {
    const hostile = 'a://' + ':'.repeat(50_000) + 'a://x:'.repeat(20_000);
    expect(redactSecrets(hostile)).to.have.length(hostile.length);
  });
});

describe('RepeatedCauses', () => {
  it('says the first, counts the others, sums them up a window at a time, and forgets', () => {
    let now = 0;
    const causes = new RepeatedCauses<number>({ monotonicMs: () => now });
    expect(causes.occurred('a', 1)).to.equal(true);
    for (let time = 2; time <= 5; time++) expect(causes.occurred('a', time)).to.equal(false);
    expect(causes.occurred('b', 1)).to.equal(true);
    expect(causes.takeDue()).to.deep.equal([]);
    now = 10_000;
    expect(causes.takeDue()).to.deep.equal([{ times: 4, seconds: 10, last: 5 }]);
    expect(causes.occurred('b', 2), 'b came once and is forgotten').to.equal(true);
    expect(causes.occurred('a', 6), 'a still comes').to.equal(false);
    now = 70_000;
    expect(causes.takeDue()).to.deep.equal([{ times: 1, seconds: 60, last: 6 }]);
    now = 130_000;
    expect(causes.takeDue()).to.deep.equal([]);
    expect(causes.isEmpty).to.equal(true);
  });

  it('says all when there are too many causes to remember', () => {
    const causes = new RepeatedCauses<number>({ monotonicMs: () => 0 });
    for (let cause = 0; cause < 200; cause++) causes.occurred(`cause ${cause}`, 0);
    expect(causes.occurred('another', 0)).to.equal(true);
    expect(causes.occurred('another', 0)).to.equal(true);
  });
});

describe('messageOf and isOutage', () => {
  it('name a failure whose message is empty', () => {
    expect(messageOf(new AggregateError([refused(), refused()], ''))).to.equal('connect ECONNREFUSED 127.0.0.1:5432');
    expect(messageOf(Object.assign(new Error(''), { code: 'ETIMEDOUT' }))).to.equal('ETIMEDOUT');
  });

  it('tell an outage from a defect', () => {
    const withCode = (code: string): Error => Object.assign(new Error('x'), { code });
    for (const code of ['ECONNRESET', 'EPIPE', '57P01', '08006', 'ACCESS_REFUSED', 'CONN_CLOSE'])
      expect(isOutage(withCode(code)), code).to.equal(true);
    for (const code of ['ERR_INVALID_ARG_TYPE', '42P01', '23505', 'XX000'])
      expect(isOutage(withCode(code)), code).to.equal(false);
    expect(isOutage(new Error('Connection terminated unexpectedly'))).to.equal(true);
    expect(isOutage(new Error('an append failed', { cause: withCode('57P01') }))).to.equal(true);
    expect(isOutage(new Error('an append failed', { cause: new TypeError('x') }))).to.equal(false);
    expect(isOutage(new TypeError('x is not a function'))).to.equal(false);
  });
});
