/**
 * Owns what messages say of where they come from: the source, the addresses of the schemas, and the incarnation that
 * makes their ids unique. Absolute URIs, as CloudEvents demands: below PUBLIC_URL where there is one, else URNs, which
 * name without saying where to look.
 */
import { invariant } from '../../kernel/invariant.ts';
import type { Incarnation } from '../../persistence/ports.ts';
import { schemaPathOf } from './json-schemas.ts';

export interface OriginOptions {
  readonly deploymentId: string;
  /** Without a slash at its end. */
  readonly publicUrl?: string | undefined;
  /** Oldest first. */
  readonly incarnations?: readonly Incarnation[];
}

export class MessageOrigin {
  readonly source: string;
  readonly #publicUrl: string | undefined;
  /** Made once of each type: every message carries one. */
  readonly #schemaUris = new Map<string, string>();
  /** Newest first: almost all rows are of the newest. */
  #incarnations: readonly { readonly firstEpoch: number; readonly idPrefix: string }[] = [];

  constructor({ deploymentId, publicUrl, incarnations = [] }: OriginOptions) {
    this.source = publicUrl ?? `urn:uuid:${deploymentId}`;
    this.#publicUrl = publicUrl;
    this.know(incarnations);
  }

  /** @param incarnations all there are, oldest first. */
  know(incarnations: readonly Incarnation[]): void {
    const known = incarnations.map(({ firstEpoch, tag }) => ({ firstEpoch, idPrefix: tag === '' ? '' : `${tag}-` }));
    this.#incarnations = known.reverse();
  }

  schemaUri(type: string): string {
    let uri = this.#schemaUris.get(type);
    if (uri === undefined) {
      uri = this.#publicUrl === undefined ? `urn:holdfast:schema:${type}` : this.#publicUrl + schemaPathOf(type);
      this.#schemaUris.set(type, uri);
    }
    return uri;
  }

  /** Of the ids of rows with this epoch. */
  idPrefix(epoch: number): string {
    for (const { firstEpoch, idPrefix } of this.#incarnations) if (epoch >= firstEpoch) return idPrefix;
    invariant(false, 'every epoch belongs to an incarnation');
  }
}
