/** Owns the load process: it runs one job after another for the bench that forked it, and ends with it. */
import { ClosedLoop } from './closed-loop.ts';
import type { FromLoad, ToLoad } from './messages.ts';

// Ctrl-C reaches every process of the terminal; this one ends when bench has tidied up and lets go of it.
process.on('SIGINT', () => undefined);
process.on('disconnect', () => process.exit(0));

process.on('message', (message: ToLoad) => {
  const loop = new ClosedLoop(message.job, {
    windowOpened: () => tell({ kind: 'window-opened' }),
    windowClosed: () => tell({ kind: 'window-closed' }),
    progress: (orders, errors) => tell({ kind: 'progress', orders, errors }),
  });
  loop.run().then(
    (result) => tell({ kind: 'done', result }),
    (error: unknown) => tell({ kind: 'failed', message: error instanceof Error ? error.message : String(error) }),
  );
});

function tell(message: FromLoad): void {
  process.send?.(message);
}
