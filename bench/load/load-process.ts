/** The bench's end of the load process: starts it, gives it jobs one at a time, receives its messages. */
import { type ChildProcess, fork } from 'node:child_process';
import type { Cleanup } from '../host/cleanup.ts';
import { programFile } from '../host/program-file.ts';
import type { FromLoad, LoadJob, PhaseCounts, ToLoad } from './messages.ts';
import type { LoadListener } from './scenario-load.ts';

export class LoadProcess {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static start(cleanup: Cleanup): LoadProcess {
    cleanup.add(() => void child.kill('SIGKILL'));
    const child = fork(programFile('bench/load/load-worker'), { serialization: 'advanced' });
    return new LoadProcess(child);
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Runs `job` to its end. @throws where it could not be run; failures on the way are in the result */
  async run(job: LoadJob, listener: Partial<LoadListener> = {}): Promise<readonly PhaseCounts[]> {
    const child = this.#child;
    let onMessage: (message: FromLoad) => void = () => undefined;
    let onExit: () => void = () => undefined;
    try {
      return await new Promise<readonly PhaseCounts[]>((resolve, reject) => {
        onExit = () => reject(new Error('the load process ended before its job'));
        onMessage = (message) => {
          if (message.kind === 'done') resolve(message.phases);
          else if (message.kind === 'failed') reject(new Error(`the load could not run: ${message.message}`));
          else if (message.kind === 'second') listener.second?.(message.second);
          else listener.phase?.(message.index);
        };
        child.on('message', onMessage);
        child.on('exit', onExit);
        const request: ToLoad = { kind: 'run', job };
        child.send(request);
      });
    } finally {
      child.off('message', onMessage);
      child.off('exit', onExit);
    }
  }
}
