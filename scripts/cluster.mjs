/**
 * `npm run cluster`: two nodes of two workers on one machine, which share a database and a broker. What
 * docker-compose.yml runs in containers, as plain processes.
 *
 * Ctrl-C stops them one after the other, so that the first hands its shards over. A node that ends by itself ends all,
 * with a message: this script is for trying things, it is no supervisor.
 */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const USAGE = `Usage: npm run -s cluster -- [--nodes 2] [--workers 2] [--ports 3000,3010] [--dir .holdfast/cluster]

Starts nodes that share the database of DATABASE_URL and the broker of AMQP_URL, which must be there. Ctrl-C stops them.

  --nodes N      how many
  --workers N    of each
  --ports P,...  their HTTP ports; free ones if left out
  --dir FOLDER   holds the DATA_DIR of each
`;

const OPTIONS = {
  nodes: { type: 'string', default: '2' },
  workers: { type: 'string', default: '2' },
  ports: { type: 'string', default: '' },
  dir: { type: 'string', default: path.join('.holdfast', 'cluster') },
  help: { type: 'boolean', default: false },
};

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
/** npm and a terminal pass one Ctrl-C on twice; a later one is a second one. */
const SECOND_SIGNAL_MS = 1000;
class ClusterError extends Error {}

function readOptions() {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.help) return undefined;
  const { DATABASE_URL, AMQP_URL } = process.env;
  if (!DATABASE_URL) {
    throw new ClusterError('DATABASE_URL is not set. Set it to postgres://user:password@host:5432/database.');
  }
  if (!AMQP_URL) throw new ClusterError('AMQP_URL is not set. Set it to amqp://user:password@host:5672/vhost.');
  const [nodes, workers] = [Number(values.nodes), Number(values.workers)];
  if (!(nodes >= 1 && nodes <= 9 && workers >= 1)) throw new ClusterError('--nodes is 1 to 9, --workers at least 1.');
  const ports = values.ports === '' ? [] : values.ports.split(',');
  if (ports.length > 0 && ports.length !== nodes) throw new ClusterError(`--ports names ${ports.length} of ${nodes}.`);
  return { nodes, workers: String(workers), ports, dir: path.resolve(values.dir) };
}

/** One secret for all: otherwise a token of one node is not valid at the other. */
async function authenticationOf(dir) {
  const { JWT_SECRET, JWKS_URL } = process.env;
  if (JWT_SECRET || JWKS_URL) return { settings: {}, hint: 'Tokens are verified by your own JWT_SECRET or JWKS_URL.' };
  const { readOrCreateDevSecret } = await import('../dist/config/dev-secret.js');
  const hint = `A token: JWT_SECRET=$(cat ${path.join(dir, 'jwt-secret')}) npm run -s token -- --role admin --sub me`;
  return { settings: { JWT_SECRET: await readOrCreateDevSecret(dir) }, hint };
}

/** `ready` resolves with its address, `ended` with how it ended. Its output is passed on under its name. */
function startNode(name, settings) {
  // Its own process group: a terminal's Ctrl-C reaches only us, and the nodes stop one by one.
  const child = spawn(process.execPath, [path.join(root, 'dist', 'main.js')], {
    env: { ...process.env, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let told;
  const ready = new Promise((resolve) => (told = resolve));
  for (const [from, to] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ]) {
    createInterface({ input: from }).on('line', (line) => {
      if (line.trim() !== '') to.write(`${name} | ${line}\n`);
      const url = /Holdfast (?:is ready|has started): (\S+)/.exec(line)?.[1];
      if (url !== undefined) told(url);
    });
  }
  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? `code ${code}`));
  });
  return { name, child, ready, ended };
}

async function main() {
  const options = readOptions();
  if (options === undefined) return void process.stdout.write(USAGE);
  const { settings, hint } = await authenticationOf(options.dir);
  const nodes = [];
  let fail;
  const failed = new Promise((_, reject) => (fail = reject));
  const stopped = stopOnSignal(nodes);
  const urls = [];
  for (let index = 0; index < options.nodes; index++) {
    const name = `node-${index + 1}`;
    const own = { DATA_DIR: path.join(options.dir, name), PORT: options.ports[index] ?? '0', ADMIN_PORT: '0' };
    const node = startNode(name, { ...settings, ...own, WORKERS: options.workers });
    nodes.push(node);
    void node.ended.then(async (how) => {
      if (nodes.isStopping) return;
      await stopAll(nodes);
      fail(new ClusterError(`${name} ended (${how}), see above. The others are stopped.`));
    });
    // One after the other: the first makes the tables.
    const url = await Promise.race([node.ready, failed, stopped]);
    if (url === undefined) return;
    urls.push(url);
  }
  process.stdout.write(
    `\nThe cluster is ready: ${urls.join(' and ')}\n  ${hint}\n` +
      `  curl -sS ${urls[0]}/api/v1/orders -H "Authorization: Bearer $TOKEN"\n  Ctrl-C stops it.\n\n`,
  );
  await Promise.race([failed, stopped]);
}

/** The youngest first; the last one finishes what nobody takes over. */
async function stopAll(nodes) {
  nodes.isStopping = true;
  for (const { child, ended } of [...nodes].reverse()) {
    child.kill('SIGTERM');
    await ended;
  }
}

/** Resolves, with nothing, when a signal came and all have ended. */
function stopOnSignal(nodes) {
  return new Promise((resolve) => {
    let firstAt;
    const onSignal = () => {
      if (firstAt === undefined) {
        firstAt = Date.now();
        void stopAll(nodes).then(resolve);
      } else if (Date.now() - firstAt > SECOND_SIGNAL_MS) {
        for (const { child } of nodes) child.kill('SIGTERM'); // a node's second signal: at once
      }
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, onSignal);
  });
}

try {
  await main();
} catch (error) {
  if (!(error instanceof ClusterError) && error.code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') throw error;
  process.stderr.write(`cluster: ${error.message}\n`);
  process.exitCode = 1;
}
