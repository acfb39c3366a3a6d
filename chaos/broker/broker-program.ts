/** Finds RabbitMQ's server on this machine, or says how to install it. */
import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { CommandError } from '../../commands/support/command-line.ts';

/** Debian's program on the PATH requires the machine's own user and folders; the one that it calls does not. */
const FOLDERS_FIRST: readonly string[] = ['/usr/lib/rabbitmq/bin'];
const SERVER = 'rabbitmq-server';
/** Erlang's register of the names of its processes. It comes with Erlang, which RabbitMQ needs. */
const EPMD = 'epmd';

export interface BrokerProgram {
  readonly server: string;
  readonly epmd: string;
}

/** @throws CommandError with the remedy where RabbitMQ is not installed. */
export function findBrokerProgram(searchPath: string, foldersFirst = FOLDERS_FIRST): BrokerProgram {
  const folders = [...foldersFirst, ...searchPath.split(path.delimiter)];
  const server = findIn(folders, SERVER);
  const epmd = findIn(folders, EPMD);
  if (server !== undefined && epmd !== undefined) return { server, epmd };
  const missing = server === undefined ? SERVER : EPMD;
  throw new CommandError(
    `"${missing}" is not installed here, and a run needs a RabbitMQ of its own to kill. ` +
      'Install it (apt-get install rabbitmq-server, or brew install rabbitmq), or leave its faults out: --no-broker.',
  );
}

function findIn(folders: readonly string[], name: string): string | undefined {
  return folders.map((folder) => path.join(folder, name)).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return path.isAbsolute(file);
  } catch {
    return false;
  }
}
