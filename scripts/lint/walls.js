/**
 * The walls between the folders: who may import what. docs/ARCHITECTURE.md explains them; this table holds them.
 *
 * Imports point down. A folder that is not listed (main.ts, commands/, bench/, chaos/, test/) may import everything
 * of ours. Specs may too: a test brings parts together that must not know each other.
 */

import { readdirSync } from 'node:fs';

/** folder -> the folders of ours that it may import besides itself. Type imports count as well. */
export const FOLDERS = {
  kernel: [],
  patched: ['kernel'],
  config: ['kernel'],
  migrations: ['kernel'],
  persistence: ['migrations', 'kernel'],
  runtime: ['patched', 'persistence', 'kernel', 'config'],
  messaging: ['patched', 'runtime', 'persistence', 'kernel', 'config'],
  supervisors: ['patched', 'messaging', 'runtime', 'persistence', 'kernel', 'config'],
  http: ['patched', 'supervisors', 'messaging', 'runtime', 'persistence', 'kernel', 'config'],
  audit: ['runtime', 'persistence', 'kernel'],
  actors: ['audit', 'http', 'messaging', 'runtime', 'persistence', 'kernel', 'config'],
  // Integrators copy it into programs of their own.
  examples: [],
};

/** package -> the only folders that may import it. */
export const PACKAGES = {
  nact: ['runtime/nact'],
  pg: ['persistence', 'migrations', 'bench/peers', 'bench/database', 'chaos/check'],
  knex: ['persistence', 'migrations', 'bench/peers'],
  koa: ['http', 'bench/peers'],
  '@koa/router': ['http', 'patched', 'bench/peers'],
  'rabbitmq-client': ['messaging', 'patched', 'examples', 'chaos'],
};

const KIND_FOLDERS = readdirSync(new URL('../../actors/', import.meta.url), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

/**
 * Decisions: they import no package and nothing of Node; what they need comes in as an argument. Found by the names of
 * their files, so those of a new kind are held to it as well.
 */
export const PURE = [
  'actors/*/{decide,decider,evolve,steps,snapshot,hold-table}.ts',
  ...KIND_FOLDERS.map((kind) => `actors/${kind}/${kind}.ts`),
];

/** What decisions may import: other decisions, and the kernel. */
export const PURE_MAY_IMPORT = [...PURE, 'kernel/*.ts'];
