import type { Scenario } from './scenario.ts';
import { scenario as relay } from './relay.ts';

export const scenario: Scenario = {
  ...relay,
  about: 'What publishing costs while nobody has bound a queue: Holdfast’s own share, and the broker’s least.',
  relay: 'nobody',
};
