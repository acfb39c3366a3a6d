/**
 * `npm run -s contracts`: the contract of the messages in contracts/, which other systems build against. Checks that it
 * matches what the code sends, or writes it anew. Both refuse a change that breaks a consumer of a published v1.
 */
import { MESSAGE_COMMANDS, PUBLIC_EVENTS } from '../actors/index.ts';
import { asyncApiDocument } from '../messaging/contracts/async-api.ts';
import { brokenContracts, contractFiles, staleContracts } from '../messaging/contracts/contract-files.ts';
import { contractFolder, readContracts, writeContracts } from './contracts/contract-folder.ts';
import {
  EXIT_BAD_VERDICT,
  EXIT_OK,
  HELP_OPTION,
  parseCommandLine,
  runCommand,
  UsageError,
} from './support/command-line.ts';

const USAGE = `Usage: npm run -s contracts [-- check | write]

The contract of the messages over RabbitMQ: JSON Schemas, samples and an AsyncAPI document in contracts/.

  check   fails where contracts/ is not what the code makes, or where the code breaks it; the default
  write   makes contracts/ anew from the code; refuses to break what stands there

What breaks a consumer belongs into a new version (order.created.v2) beside the old one. A schema that no release has
published yet may be deleted by hand before it is written anew.

Exit code 0: it is as it should be. 1: it is not. 2: it could not be found out.
`;

const EXIT_IMPOSSIBLE = 2;

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommandLine(args, HELP_OPTION, 1);
  if (values.help) {
    process.stdout.write(USAGE);
    return EXIT_OK;
  }
  const [action = 'check'] = positionals;
  if (action !== 'check' && action !== 'write') throw new UsageError(`"${action}" is neither check nor write`);

  const folder = contractFolder();
  const committed = await readContracts(folder);
  const current = contractFiles(PUBLIC_EVENTS, asyncApiDocument(PUBLIC_EVENTS, MESSAGE_COMMANDS));
  const broken = brokenContracts(committed, current);
  if (broken.length > 0) {
    process.stdout.write(`breaking: ${broken.join('\nbreaking: ')}\nSend it as a new version beside the old one.\n`);
    return EXIT_BAD_VERDICT;
  }
  const stale = staleContracts(committed, current);
  if (action === 'write') await writeContracts(folder, committed, current);
  else if (stale.length > 0) {
    process.stdout.write(`differs: ${stale.join('\ndiffers: ')}\nRun: npm run -s contracts -- write\n`);
    return EXIT_BAD_VERDICT;
  }
  process.stdout.write(`${current.size} files, ${action === 'write' ? stale.length : 0} written\n`);
  return EXIT_OK;
}

process.exitCode = await runCommand({ name: 'contracts', usage: USAGE, exitWhenImpossible: EXIT_IMPOSSIBLE }, () =>
  main(process.argv.slice(2)),
);
