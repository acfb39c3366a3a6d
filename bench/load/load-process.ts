/** Owns bench's end of the load process: starts it, gives it jobs one at a time, hears what it says. */
import { type ChildProcess, fork } from 'node:child_process';
import type { Cleanup } from '../host/cleanup.ts';
import { programFile } from '../host/program-file.ts';
import type { FromLoad, LoadJob, LoadResult, ToLoad } from './messages.ts';

export interface LoadListener {
  windowOpened?(): void;
  windowClosed?(): void;
  progress?(orders: number, errors: number): void;
}

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

  /** Runs `job` to its end. @throws where the job could not be run at all; failed orders are in the result */
  async run(job: LoadJob, listener: LoadListener = {}): Promise<LoadResult> {
    const child = this.#child;
    let onMessage: (message: FromLoad) => void = () => undefined;
    let onExit: () => void = () => undefined;
    try {
      return await new Promise<LoadResult>((resolve, reject) => {
        onExit = () => reject(new Error('the load process ended before its job'));
        onMessage = (message) => {
          if (message.kind === 'done') resolve(message.result);
          else if (message.kind === 'failed') reject(new Error(`the load could not run: ${message.message}`));
          else if (message.kind === 'progress') listener.progress?.(message.orders, message.errors);
          else if (message.kind === 'window-opened') listener.windowOpened?.();
          else listener.windowClosed?.();
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
