/** `npm run -s migrate`: brings the database to this version's tables without starting a node. */
import { SHARD_HASH } from '../runtime/sharding/shard-of.ts';
import { loadConfig } from '../config/config.ts';
import { prepareDatabase } from '../persistence/postgres/prepare-database.ts';
import { EXIT_OK, HELP_OPTION, parseCommandLine, runCommand } from './support/command-line.ts';
import { withDatabase } from './support/database.ts';

const USAGE = `Usage: npm run -s migrate

Creates or updates the tables in the database of DATABASE_URL, or in the embedded one of DATA_DIR. Nothing is changed
where they are up to date. A node does the same when it starts.
`;

process.exitCode = await runCommand({ name: 'migrate', usage: USAGE, exitWhenImpossible: 1 }, async () => {
  const { values } = parseCommandLine(process.argv.slice(2), HELP_OPTION, 0);
  if (values.help) {
    process.stdout.write(USAGE);
    return EXIT_OK;
  }
  const config = loadConfig();
  return withDatabase(config, async (databaseUrl) => {
    const { serverVersion } = await prepareDatabase(databaseUrl, { shards: config.shards, shardHash: SHARD_HASH });
    process.stdout.write(`The database (PostgreSQL ${serverVersion}) is up to date.\n`);
    return EXIT_OK;
  });
});
