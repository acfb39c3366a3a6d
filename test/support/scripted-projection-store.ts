/** A store of read models that fails, or waits, when a test says so. Keeps every flush that was sent to it. */
import { FlushRefusedError, type ProjectionFlush } from '../../persistence/ports.ts';
import { InMemoryReadModels } from './in-memory-read-models.ts';

/** `fails`: not applied. `unknown`: applied, and the answer is lost. */
export type FlushScript = 'works' | 'fails' | 'unknown';

export class ScriptedProjectionStore extends InMemoryReadModels {
  readonly sent: ProjectionFlush[] = [];
  #scripts: FlushScript[] = [];
  #gate: Promise<void> | undefined;
  checkpointsFail = false;
  /** Parts of a flush that the store refuses: a flush with one of them is not applied. */
  refuses: (flush: ProjectionFlush) => boolean = () => false;

  /** The next flushes end so, one after another; those after them work. */
  next(...scripts: FlushScript[]): void {
    this.#scripts = scripts;
  }

  /** Flushes are sent and not answered until the returned function is called. */
  hold(): () => void {
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      open = () => {
        if (this.#gate === gate) this.#gate = undefined;
        resolve();
      };
    });
    this.#gate = gate;
    return open;
  }

  override async checkpoints(shards: readonly number[]): Promise<Map<number, number>> {
    if (this.checkpointsFail) throw new Error('scripted: the database is away');
    return super.checkpoints(shards);
  }

  override async flush(flush: ProjectionFlush): Promise<ReadonlySet<number>> {
    this.sent.push(flush);
    await (this.#gate ?? new Promise(setImmediate));
    const script = this.#scripts.shift() ?? 'works';
    if (script === 'fails') throw new Error('scripted: not applied');
    if (this.refuses(flush)) throw new FlushRefusedError('scripted: refused');
    const moved = await super.flush(flush);
    if (script === 'unknown') throw new Error('scripted: the answer is lost');
    return moved;
  }
}
