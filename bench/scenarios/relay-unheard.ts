import type { Scenario } from './scenario.ts';
import { scenario as relay } from './relay.ts';

export const scenario: Scenario = {
  ...relay,
  about: 'What publishing costs while no queue is bound: Holdfast’s own share, and the broker’s least.',
  relay: 'no queue',
};
