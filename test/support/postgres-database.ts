/**
 * A database for the specs that need the machine's own server, beside the embedded one. Where none answers they are
 * skipped with a word; in CI that is a failure.
 */
import { MACHINE_SERVER_URL, whyNoMachineServer } from './database-server.ts';
import { createScratchDatabase, type ScratchDatabase } from './scratch-database.ts';
import { skipWithReason } from './skip-with-reason.ts';

/** Call it in `before` with the hook's `this`; drop what it returns in `after`. */
export async function scratchDatabaseOrSkip(hook: Mocha.Context, { migrated = true } = {}): Promise<ScratchDatabase> {
  const reason = await whyNoMachineServer();
  if (reason === undefined) return createScratchDatabase({ migrated, serverUrl: MACHINE_SERVER_URL });
  return skipWithReason(hook, reason);
}
