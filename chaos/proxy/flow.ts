/**
 * One direction of a proxied connection: bytes go out in order, at once, later, or never.
 *
 *   open --hold()--> held --release()--> open        bytes wait, and the end of the stream waits behind them
 *   open --drop()--> dropping                        bytes vanish; what follows them could not be understood any more,
 *                                                    so there is no way back but to end the connection
 */
import type { Socket } from 'node:net';

type Item = { readonly bytes: Buffer } | 'end';

export class Flow {
  readonly #to: Socket;
  readonly #queue: { readonly item: Item; readonly dueMs: number }[] = [];
  #state: 'open' | 'held' | 'dropping' = 'open';
  #delayMs = 0;
  #keepBackBytes = 0;
  #keptBack: Buffer = Buffer.alloc(0);
  #isKeepingAll = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(to: Socket) {
    this.#to = to;
  }

  get isDropping(): boolean {
    return this.#state === 'dropping';
  }

  push(chunk: Buffer): void {
    if (this.#state === 'dropping') return;
    let bytes = chunk;
    if (this.#isKeepingAll) {
      this.#keptBack = Buffer.concat([this.#keptBack, chunk]);
      return;
    }
    if (this.#keepBackBytes > 0) {
      const all = Buffer.concat([this.#keptBack, chunk]);
      const passed = Math.max(0, all.length - this.#keepBackBytes);
      bytes = all.subarray(0, passed);
      this.#keptBack = all.subarray(passed);
    }
    if (bytes.length > 0) this.#add({ bytes });
  }

  /** The stream ended: the other side ends too, once all earlier bytes have gone out. */
  end(): void {
    this.#add('end');
  }

  delay(delayMs: number): void {
    this.#delayMs = delayMs;
  }

  hold(): void {
    if (this.#state === 'open') this.#state = 'held';
  }

  drop(): void {
    this.#state = 'dropping';
    this.#queue.length = 0;
  }

  release(): void {
    if (this.#state !== 'held') return;
    this.#state = 'open';
    this.#flush();
  }

  /** From now on the last `bytes` of what came in stay here, however often more comes; until {@link letGo}. */
  keepBack(bytes: number): void {
    this.#keepBackBytes = bytes;
  }

  /** Later bytes wait behind the kept ones. */
  keepAll(): void {
    this.#isKeepingAll = true;
  }

  letGo(): void {
    const kept = this.#keptBack;
    this.#isKeepingAll = false;
    this.#keepBackBytes = 0;
    this.#keptBack = Buffer.alloc(0);
    if (kept.length === 0) return;
    // Later bytes, or the end of the stream, already wait: the kept bytes go before them.
    this.#queue.unshift({ item: { bytes: kept }, dueMs: 0 });
    this.#flush();
  }

  /** Forgets everything; for a connection that is gone. */
  close(): void {
    this.drop();
    clearTimeout(this.#timer);
  }

  #add(item: Item): void {
    this.#queue.push({ item, dueMs: performance.now() + this.#delayMs });
    this.#flush();
  }

  #flush(): void {
    clearTimeout(this.#timer);
    while (this.#state !== 'held' && this.#queue.length > 0) {
      const { item, dueMs } = this.#queue[0]!;
      if (item === 'end' && this.#keptBack.length > 0) return;
      const waitMs = dueMs - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.#flush(), Math.ceil(waitMs));
        return;
      }
      this.#queue.shift();
      if (this.#to.destroyed) continue;
      if (item === 'end') this.#to.end();
      else this.#to.write(item.bytes);
    }
  }
}
