/** `npm run -s stock`: sets or shows what lies in a warehouse, through the running node's HTTP API as an admin. */
import { randomUUID } from 'node:crypto';
import { loadConfig } from '../config/config.ts';
import { systemClock } from '../kernel/clock.ts';
import { NodeClient, problemIn, type NodeAnswer, type NodeRequest } from './replay/node-client.ts';
import { adminToken } from './support/admin-token.ts';
import {
  EXIT_BAD_VERDICT,
  EXIT_OK,
  HELP_OPTION,
  parseCommandLine,
  runCommand,
  UsageError,
  wholeNumberOption,
} from './support/command-line.ts';
import { openReportFile } from './support/report-file.ts';
import { findRunningNode } from './support/running-node.ts';

const USAGE = `Usage: npm run -s stock -- set PRODUCT UNITS [--warehouse W] [--threshold N] [options]
       npm run -s stock -- show PRODUCT [options]

  set    what lies in the warehouse, all in all: what orders hold is a part of it. Creates the product's stock
  show   what lies there, what orders hold, and what is left

  --warehouse W      the warehouse; "main" if left out
  --threshold N      warns by the event inventory.low-stock.v1 when fewer are left
  --url URL          the node, if not the one that runs with these settings
  --token-file FILE  a token with the role admin, where an identity provider signs them
  --json FILE        writes the stock as JSON as well
  --help             this text

Exit code 0: done. 1: the node refused it, or there is no such product. 2: no node could be asked, or the arguments
are wrong.
`;

const EXIT_IMPOSSIBLE = 2;
const OPTIONS = {
  ...HELP_OPTION,
  warehouse: { type: 'string' },
  threshold: { type: 'string' },
  url: { type: 'string' },
  'token-file': { type: 'string' },
  json: { type: 'string' },
} as const;
const UNITS_MAX = 1_000_000_000_000;
const PATIENCE_MS = 15_000;
const HTTP_OK = 200;
const SUBJECT = 'stock-command';

interface Stock {
  readonly productId: string;
  readonly onHand: number;
  readonly held: number;
  readonly available: number;
  readonly warehouses: readonly {
    readonly warehouseId: string;
    readonly onHand: number;
    readonly held: number;
    readonly available: number;
  }[];
}

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommandLine(args, OPTIONS, 3);
  if (values.help) {
    process.stdout.write(USAGE);
    return EXIT_OK;
  }
  const request = requestOf(positionals, values.warehouse, values.threshold);
  const reportFile = await openReportFile(values.json);
  const config = loadConfig();
  const token = await adminToken(config, SUBJECT, values['token-file']);
  const { baseUrl } = await findRunningNode(config, values.url);
  const client = new NodeClient({ baseUrl, token, connections: 1, patienceMs: PATIENCE_MS, clock: systemClock });
  try {
    const stock = stockIn(await client.send(request));
    process.stdout.write(textOf(stock));
    await reportFile.write(stock);
    return EXIT_OK;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    process.stderr.write(`stock: ${error.message}\n`);
    return EXIT_BAD_VERDICT;
  } finally {
    await client.close();
  }
}

/** @throws UsageError */
function requestOf(
  [action, productId, units, ...rest]: readonly string[],
  warehouseId: string | undefined,
  threshold: string | undefined,
): NodeRequest {
  if (productId === undefined || rest.length > 0) throw new UsageError('say set PRODUCT UNITS, or show PRODUCT');
  const path = `/api/v1/stock/${encodeURIComponent(productId)}`;
  if (action === 'show' && units === undefined) {
    if (warehouseId !== undefined || threshold !== undefined)
      throw new UsageError('show takes neither --warehouse nor --threshold: it shows all');
    return { method: 'GET', path };
  }
  if (action !== 'set' || units === undefined) throw new UsageError('say set PRODUCT UNITS, or show PRODUCT');
  const body = {
    onHand: unitsOf(units),
    ...(warehouseId !== undefined && { warehouseId }),
    ...(threshold !== undefined && { lowStockThreshold: wholeNumberOption('threshold', threshold, 0, UNITS_MAX) }),
  };
  // A key of its own: repeated after a lost answer, it is applied once.
  return { method: 'PUT', path, body, idempotencyKey: `stock-command-${randomUUID()}` };
}

function unitsOf(text: string): number {
  const units = /^\d{1,13}$/.test(text) ? Number(text) : NaN;
  if (units <= UNITS_MAX) return units;
  throw new UsageError(`UNITS "${text}" is no whole number from 0 to 10^12`);
}

/** The node understood and said no. */
class Refused extends Error {}

function stockIn({ status, body }: NodeAnswer): Stock {
  if (status === HTTP_OK) return JSON.parse(body) as Stock;
  const { code, detail } = problemIn(body);
  throw new Refused(`the node refused it: ${status} ${code}. ${detail}`);
}

function textOf({ productId, warehouses, ...sum }: Stock): string {
  const line = (name: string, { onHand, held, available }: Pick<Stock, 'onHand' | 'held' | 'available'>): string =>
    `${name}: ${onHand} on hand, ${held} held by orders, ${available} available\n`;
  const details = warehouses.map((each) => line(`  ${each.warehouseId}`, each));
  return line(productId, sum) + (warehouses.length > 1 ? details.join('') : '');
}

process.exitCode = await runCommand({ name: 'stock', usage: USAGE, exitWhenImpossible: EXIT_IMPOSSIBLE }, () =>
  main(process.argv.slice(2)),
);
