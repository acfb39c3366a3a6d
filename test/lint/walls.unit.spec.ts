/** The walls can fail: each kind of breach is reported, and each neighbour that may be imported is not. */
import { expect } from 'chai';
import { ESLint } from 'eslint';

const eslint = new ESLint({
  // Without types: the texts below are no files, and the walls need none.
  overrideConfig: { languageOptions: { parserOptions: { projectService: false } } },
  ruleFilter: ({ ruleId }) => ruleId === 'walls/imports' || ruleId.startsWith('no-restricted-'),
});

async function problemsOf(filePath: string, code: string): Promise<string[]> {
  const [result] = await eslint.lintText(code, { filePath });
  return (result?.messages ?? []).map((message) => message.ruleId ?? message.message);
}

const REFUSED: readonly (readonly [rule: string, file: string, code: string])[] = [
  ['walls/imports', 'actors/order/decide.ts', "import pg from 'pg';\nvoid pg;"],
  ['walls/imports', 'actors/order/decide.ts', "import { randomUUID } from 'node:crypto';\n"],
  ['walls/imports', 'actors/order/decide.ts', "import type { Journal } from '../../persistence/journal.ts';\n"],
  ['walls/imports', 'actors/payment/steps.ts', "import { openPorts } from '../../runtime/outside-ports.ts';\n"],
  ['walls/imports', 'actors/stock/decider.ts', "import { stockEvents } from './stored-events.ts';\n"],
  [
    'walls/imports',
    'runtime/entity/effects.ts',
    "import type { ProviderCall } from '../../actors/payment/payment.ts';\n",
  ],
  ['walls/imports', 'supervisors/guardian.ts', "import { KINDS } from '../actors/index.ts';\n"],
  ['walls/imports', 'kernel/ids.ts', "import { money } from '../actors/order/order.ts';\n"],
  ['walls/imports', 'persistence/journal.ts', "export { a } from '../runtime/ask.ts';\n"],
  ['walls/imports', 'actors/order/order.ts', "import type { Ask } from '../../runtime/ask.ts';\n"],
  ['walls/imports', 'persistence/postgres/journal.ts', "export * from '../../http/server.ts';\n"],
  ['walls/imports', 'actors/order/order.ts', "await import('../../http/server.ts');\n"],
  ['walls/imports', 'actors/order/order.ts', "import { start } from 'nact';\n"],
  ['walls/imports', 'actors/order/order.ts', "import { health } from '../../supervisors/health.ts';\n"],
  ['walls/imports', 'http/server.ts', "import knex from 'knex';\n"],
  ['walls/imports', 'messaging/relay.ts', "import Koa from 'koa';\n"],
  ['walls/imports', 'messaging/contracts/async-api.ts', "import type { Edge } from '../../http/edge.ts';\n"],
  ['walls/imports', 'messaging/contracts/async-api.ts', "import { ACTORS } from '../../actors/index.ts';\n"],
  ['walls/imports', 'supervisors/health.ts', "import Router from '@koa/router';\n"],
  ['walls/imports', 'examples/consumer.ts', "import { APP_ID } from '../messaging/contracts/public-message.ts';\n"],
  ['walls/imports', 'http/server.ts', "import { main } from '../main.ts';\n"],
  ['walls/imports', 'http/edge.ts', "import type { OrderRefusal } from '../actors/order/order.ts';\n"],
  ['walls/imports', 'actors/order/operations/place-order.ts', "import Koa from 'koa';\n"],
  ['no-restricted-syntax', 'http/server.ts', 'export const port = process.env.PORT;\n'],
  ['no-restricted-syntax', 'http/server.ts', "import { env } from 'node:process';\n"],
  ['no-restricted-syntax', 'actors/order/decide.ts', 'export const now = Date.now();\n'],
  ['no-restricted-syntax', 'actors/order/decide.ts', 'export const now = new Date();\n'],
  ['no-restricted-globals', 'actors/order/decide.ts', 'export const id = crypto.randomUUID();\n'],
  ['no-restricted-syntax', 'actors/order/decide.ts', 'export const chance = Math.random();\n'],
];

const ALLOWED: readonly (readonly [file: string, code: string])[] = [
  ['actors/order/decide.ts', "import { invariant } from '../../kernel/invariant.ts';\n"],
  ['actors/order/decide.ts', 'export const at = (ms: number) => new Date(ms);\n'],
  ['runtime/nact/system.ts', "import { start } from 'nact';\n"],
  ['actors/order/order.ts', "import { decide } from '../../actors/order/decide.ts';\n"],
  ['persistence/postgres/pool.ts', "import pg from 'pg';\n"],
  ['http/server.ts', "import Koa from 'koa';\n"],
  ['http/contracts.ts', "import { asyncApiDocument } from '../messaging/contracts/async-api.ts';\n"],
  ['examples/consumer.ts', "import { Connection } from 'rabbitmq-client';\nvoid process.env;\n"],
  ['bench/peers/naive.ts', "import pg from 'pg';\n"],
  ['main.ts', "import { server } from './http/server.ts';\n"],
  ['config/config.ts', 'export const port = process.env.PORT;\n'],
  ['persistence/journal.int.spec.ts', "import { order } from '../actors/order/order.ts';\nvoid process.env;\n"],
];

describe('the walls between the folders', () => {
  for (const [rule, file, code] of REFUSED) {
    it(`refuses in ${file}: ${code.trim().split('\n')[0]}`, async () => {
      expect(await problemsOf(file, code)).to.deep.equal([rule]);
    });
  }

  for (const [file, code] of ALLOWED) {
    it(`allows in ${file}: ${code.trim().split('\n')[0]}`, async () => {
      expect(await problemsOf(file, code)).to.deep.equal([]);
    });
  }
});
