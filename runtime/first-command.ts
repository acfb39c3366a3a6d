/**
 * A command that a node with a database of its own sends at each of its starts, so that the documents' examples work
 * there. Its command id and fingerprint make it apply once in the life of the database, whatever dies in between.
 */
export interface FirstCommand {
  /** An entity id. */
  readonly to: string;
  readonly command: { readonly type: string };
  readonly commandId: string;
  readonly fingerprint: string;
}
