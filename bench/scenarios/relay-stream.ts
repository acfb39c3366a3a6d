import { scenario as relay } from './relay.ts';
import type { Scenario } from './scenario.ts';

export const scenario: Scenario = {
  ...relay,
  about:
    'What publishing costs where integrators read from a stream on RabbitMQ, beside the same node without a broker.',
  relay: 'stream',
};
