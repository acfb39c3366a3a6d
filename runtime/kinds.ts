/**
 * The kinds of entities that this program runs, resolved once at start: an entity's kind follows from the prefix of its
 * id. The runtime knows no kind by name; what it needs of one is its `EntityType`.
 */
import { EPOCH_ENTITY_PREFIX, prefixOf, PREFIX_LENGTH } from '../kernel/entity-id.ts';
import { invariant } from '../kernel/invariant.ts';
import type { EntityType } from './entity/entity-type.ts';
import type { OutsidePort } from './entity/outside-port.ts';

/** Three lower-case letters and "_": it is stored in every id, and no part of a routing key may be taken for it. */
const PREFIX_FORM = /^[a-z]{3}_$/;

export class Kinds {
  /** In the order of the list that they came in. */
  readonly all: readonly EntityType[];
  /** The ports to the outside of all kinds, by name. */
  readonly ports: ReadonlyMap<string, OutsidePort>;
  readonly #byPrefix = new Map<string, EntityType>();

  /** @throws Error when two kinds share a name, a prefix or a port, or a prefix has another form. */
  constructor(types: readonly EntityType[]) {
    this.all = types;
    const names = new Set(types.map(({ kind }) => kind));
    if (names.size < types.length) throw new Error(`two kinds of actors have the same name: ${[...names].join(', ')}`);
    for (const type of types) {
      const { kind, prefix, routedBy } = type;
      if (!PREFIX_FORM.test(prefix))
        throw new Error(
          `the prefix "${prefix}" of ${kind} is not ${PREFIX_LENGTH} characters: three letters a-z and "_"`,
        );
      const other = prefix === EPOCH_ENTITY_PREFIX ? 'the epochs of shards' : this.#byPrefix.get(prefix)?.kind;
      if (other !== undefined) throw new Error(`${kind} and ${other} have the same prefix "${prefix}"`);
      if (routedBy !== undefined && !names.has(routedBy))
        throw new Error(`${kind} is routed by ${routedBy}, which is no kind of actor`);
      this.#byPrefix.set(prefix, type);
    }
    const ports = types.flatMap(({ outside = {} }) => Object.entries(outside));
    this.ports = new Map(ports);
    if (this.ports.size < ports.length)
      throw new Error(`two ports have the same name: ${ports.map(([name]) => name).join(', ')}`);
  }

  /** Undefined for a text that is no entity id. */
  find(entityId: string): EntityType | undefined {
    return this.#byPrefix.get(prefixOf(entityId));
  }

  /** @throws InvariantViolation for a text that is no entity id. */
  of(entityId: string): EntityType {
    const type = this.#byPrefix.get(prefixOf(entityId));
    invariant(type !== undefined, `${entityId} is an entity id`);
    return type;
  }
}
