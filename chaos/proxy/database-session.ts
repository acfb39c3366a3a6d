/**
 * One session between a node and PostgreSQL. Beside the faults of any connection it has those of a single statement.
 * While a statement is withheld, the session is held towards the client as well.
 */
import { ProxiedConnection } from './proxied-connection.ts';
import { applicationNameIn } from './startup-packet.ts';

/** Sync, the last message of a statement in the extended protocol: a type byte and an Int32 length. */
export const SYNC_BYTES = 5;

/**
 * A statement larger than a network buffer comes in pieces, one right after the other. Later bytes do not belong to it.
 */
const STATEMENT_PIECES_MS = 50;

export class DatabaseSession extends ProxiedConnection {
  #name: string | undefined;
  #firstBytes: Buffer = Buffer.alloc(0);
  #cutsAnswer: { asked: boolean; readonly done: () => void } | undefined;
  #withholds: { begun: boolean; readonly begin: () => void } | undefined;

  /** application_name; '' until it is known. */
  get name(): string {
    return this.#name ?? '';
  }

  /** The next statement reaches the server; its answer does not come back. `done` is called when that has happened. */
  cutNextAnswer(done: () => void): void {
    this.#cutsAnswer = { asked: false, done };
  }

  spareNextAnswer(): void {
    this.#cutsAnswer = undefined;
  }

  /** The next statement reaches the server without its last bytes: it is executed and not committed. */
  withholdNextStatement(begin: () => void): void {
    this.#withholds = { begun: false, begin };
    this.toServer.keepBack(SYNC_BYTES);
  }

  /** Ends the withholding: the last bytes arrive at last, or never. */
  endWithholding(how: 'delivered' | 'cut'): void {
    if (this.#withholds === undefined) return;
    this.#withholds = undefined;
    if (how === 'cut') return this.cut();
    this.toClient.release();
    this.toServer.letGo();
  }

  protected override fromClient(chunk: Buffer): void {
    if (this.#name === undefined) this.#readName(chunk);
    if (this.#cutsAnswer !== undefined) this.#cutsAnswer.asked = true;
    if (this.#withholds?.begun === false) {
      this.#withholds.begun = true;
      this.toClient.hold();
      setTimeout(() => this.#withholds && this.toServer.keepAll(), STATEMENT_PIECES_MS);
      this.#withholds.begin();
    }
    super.fromClient(chunk);
  }

  protected override fromServer(chunk: Buffer): void {
    if (this.#cutsAnswer?.asked === true) {
      const { done } = this.#cutsAnswer;
      this.#cutsAnswer = undefined;
      this.cut();
      done();
      return;
    }
    super.fromServer(chunk);
  }

  #readName(chunk: Buffer): void {
    this.#firstBytes = Buffer.concat([this.#firstBytes, chunk]);
    this.#name = applicationNameIn(this.#firstBytes);
  }
}
