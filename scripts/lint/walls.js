/**
 * The walls between the folders: who may import what. docs/ARCHITECTURE.md explains them; this table holds them.
 *
 * Imports point down. A folder that is not listed (main.ts, commands/, bench/, chaos/, test/) may import everything
 * of ours. Specs may too: a test brings parts together that must not know each other.
 */

/** folder -> the folders of ours that it may import besides itself. Type imports count as well. */
export const FOLDERS = {
  kernel: [],
  domain: ['kernel'],
  config: ['kernel'],
  persistence: ['migrations', 'domain', 'kernel'],
  migrations: ['kernel'],
  actors: ['persistence', 'domain', 'kernel', 'config'],
  messaging: ['actors', 'persistence', 'domain', 'kernel', 'config'],
  supervisors: ['messaging', 'actors', 'persistence', 'domain', 'kernel', 'config'],
  // To be copied into a program of somebody else's.
  examples: [],
  http: ['supervisors', 'messaging', 'actors', 'persistence', 'domain', 'kernel', 'config'],
};

/** package -> the only folders that may import it. */
export const PACKAGES = {
  nact: ['actors/runtime'],
  pg: ['persistence', 'migrations', 'bench/peers', 'bench/database', 'chaos/check'],
  knex: ['persistence', 'migrations', 'bench/peers'],
  koa: ['http', 'bench/peers'],
  '@koa/router': ['http', 'bench/peers'],
  'rabbitmq-client': ['messaging', 'examples', 'chaos'],
};

/** Folders that import no package and nothing of Node either: what they need comes in as an argument. */
export const WITHOUT_PACKAGES = ['domain'];
