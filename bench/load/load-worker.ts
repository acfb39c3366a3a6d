/** The load process: runs one job after another for the bench that forked it, and ends with it. */
import type { FromLoad, ToLoad } from './messages.ts';
import { ScenarioLoad } from './scenario-load.ts';

// Ctrl-C reaches every process of the terminal; this one ends once the bench has cleaned up and disconnects.
process.on('SIGINT', () => undefined);
process.on('disconnect', () => process.exit(0));

process.on('message', ({ job }: ToLoad) => {
  const load = new ScenarioLoad(job, {
    phase: (index) => tell({ kind: 'phase', index }),
    second: (second) => tell({ kind: 'second', second }),
  });
  load.run().then(
    (phases) => tell({ kind: 'done', phases }),
    (error: unknown) => tell({ kind: 'failed', message: error instanceof Error ? error.message : String(error) }),
  );
});

function tell(message: FromLoad): void {
  process.send?.(message);
}
