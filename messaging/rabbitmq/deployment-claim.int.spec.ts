/** Two databases on one virtual host: one of them has it, whichever comes first, and the other says so. */
import { expect } from 'chai';
import { Connection } from 'rabbitmq-client';
import { systemClock } from '../../kernel/clock.ts';
import { keptLog } from '../../test/support/silent-log.ts';
import { scratchBrokerOrSkip, type ScratchBroker } from '../../test/support/rabbitmq-broker.ts';
import { waitUntil } from '../../test/support/wait-until.ts';
import { Broker } from './broker.ts';
import { applyTopology, diffTopology } from './declare-topology.ts';
import { ClaimError, holderOf, moveClaim } from './deployment-claim.ts';
import { PreparedBroker } from './prepared-broker.ts';
import { CLAIM_EXCHANGE, COMMANDS_QUEUE, ordersTopology } from './topology.ts';

const A = 'aaaaaaaa-9b1f-4c57-8d3a-0a4f6f1f2b3c';
const B = 'bbbbbbbb-9b1f-4c57-8d3a-0a4f6f1f2b3c';

describe('the claim of a deployment on a virtual host', () => {
  let broker: ScratchBroker;
  let connection: Connection;
  let brokers: Broker[];

  before(async function () {
    broker = await scratchBrokerOrSkip(this);
    connection = new Connection(broker.url);
    connection.on('error', () => undefined);
  });
  after(async () => {
    await connection?.close();
    await broker?.drop();
  });
  beforeEach(() => (brokers = []));
  afterEach(async () => {
    for (const each of brokers) await each.close();
    await connection.exchangeDelete({ exchange: CLAIM_EXCHANGE });
    for (const { name } of ordersTopology().queues) await connection.queueDelete(name);
  });

  function prepared(deploymentId: string) {
    const kept = keptLog();
    const own = new Broker({ url: broker.url, name: deploymentId, clock: systemClock, log: kept.log });
    brokers.push(own);
    return {
      prepared: new PreparedBroker(own, {
        topology: ordersTopology({ deploymentId }),
        clock: systemClock,
        log: kept.log,
      }),
      lines: kept.lines,
    };
  }

  it('is one of the two that ask at the same time, never both', async () => {
    for (let round = 0; round < 5; round++) {
      const found = await Promise.all(
        [A, B].map((deploymentId) => applyTopology(connection, ordersTopology({ deploymentId }))),
      );
      const refused = found.filter((findings) => findings.some(({ state }) => state === 'different'));
      expect(refused).to.have.length(1);
      expect(refused[0], 'nothing of the refused one is declared').to.have.length(1);
      expect([A, B]).to.include(await holderOf(connection));
      await connection.exchangeDelete({ exchange: CLAIM_EXCHANGE });
    }
    expect(await holderOf(connection)).to.equal(undefined);
  });

  it('is kept by all nodes of one deployment, and seen by topology', async () => {
    const [one, two] = [prepared(A), prepared(A)];
    await waitUntil('both are ready', () => one.prepared.isReady && two.prepared.isReady);
    expect(await diffTopology(connection, ordersTopology({ deploymentId: A }))).to.deep.equal([]);
    const [finding, ...others] = await diffTopology(connection, ordersTopology({ deploymentId: B }));
    expect(finding).to.include({ kind: 'exchange', name: CLAIM_EXCHANGE, state: 'different' });
    expect(finding!.detail).to.contain(A).and.contain(B);
    expect(others).to.deep.equal([]);
  });

  it('keeps the messaging of a second deployment from starting, with both named, until the host is given to it', async () => {
    const first = prepared(A);
    await waitUntil('the first is ready', () => first.prepared.isReady);
    const second = prepared(B);
    await waitUntil('the second is refused', () => second.prepared.refusal !== undefined);
    expect(second.prepared.isReady).to.equal(false);
    expect(second.prepared.refusal).to.contain(A).and.contain(B).and.contain('AMQP_URL').and.contain('take-over');
    expect(second.lines.filter(({ level }) => level === 'error' || level === 50)).to.have.length(1);

    await brokers[0]!.close();
    await moveClaim(connection, A, B);
    await waitUntil('the second is ready', () => second.prepared.isReady);
    expect(second.prepared.refusal).to.equal(undefined);
    const late = prepared(A);
    await waitUntil('the former holder is refused', () => late.prepared.refusal !== undefined);
  });

  it('tells who was ready that it lost the host while it was away', async () => {
    const first = prepared(A);
    let lost: string | undefined;
    first.prepared.onRefused((refusal) => (lost = refusal));
    await waitUntil('it is ready', () => first.prepared.isReady);
    await moveClaim(connection, A, B);
    await broker.closeConnections();
    await waitUntil('it is reported', () => lost !== undefined);
    expect(lost).to.contain(B);
  });

  it('is moved only from the deployment that has it, and only while no node takes its commands', async () => {
    const failure = (from: string) => moveClaim(connection, from, B).catch((error: unknown) => error);
    expect(await failure(A)).to.be.instanceOf(ClaimError);
    await applyTopology(connection, ordersTopology({ deploymentId: A }));
    expect(String(await failure(B))).to.contain(`belongs to deployment ${A}`);
    const consumer = connection.createConsumer({ queue: COMMANDS_QUEUE, queueOptions: { passive: true } }, () => 0);
    await new Promise<void>((resolve) => consumer.once('ready', resolve));
    expect(String(await failure(A))).to.contain('1 consumers still take commands');
    expect(await holderOf(connection)).to.equal(A);
    await consumer.close();
    await moveClaim(connection, A, B);
    expect(await holderOf(connection)).to.equal(B);
  });
});
