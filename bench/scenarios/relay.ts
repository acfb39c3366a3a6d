import { closedLoop } from './phases.ts';
import type { Scenario } from './scenario.ts';

export const scenario: Scenario = {
  about: 'What publishing costs: every event to a quorum queue on RabbitMQ, beside the same node without a broker.',
  form: { products: 1_000, linesPerOrder: 2 },
  phases: closedLoop(10),
  rounds: 5,
  relay: 'quorum queue',
  peers: ['without-relay'],
};
