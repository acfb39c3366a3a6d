/** The kinds of a program as the audit walks over them: in groups that share a routing key, contributors first. */
import { prefixOf, routingKeyOf } from '../kernel/entity-id.ts';
import { isUuid } from '../kernel/ids.ts';
import type { AuditedKind } from './audit-definition.ts';

/** Kinds that live under one routing key: the root has it of its own, the others are routed by it. */
export interface KindGroup {
  readonly root: AuditedKind;
  /** The root first. */
  readonly kinds: readonly AuditedKind[];
}

export class AuditedKinds {
  readonly all: readonly AuditedKind[];
  /** What some kind contributes comes before the kind that settles it. */
  readonly groups: readonly KindGroup[];
  readonly #groupByPrefix = new Map<string, KindGroup>();

  /** @throws Error when contributions have no order, or no kind settles them. */
  constructor(kinds: readonly AuditedKind[]) {
    this.all = kinds;
    const rootOf = (kind: AuditedKind): AuditedKind => {
      const root = kinds.find((other) => other.kind === kind.routedBy);
      return root === undefined ? kind : rootOf(root);
    };
    const groups = kinds
      .filter(({ routedBy }) => routedBy === undefined)
      .map((root) => ({ root, kinds: [root, ...kinds.filter((kind) => kind !== root && rootOf(kind) === root)] }));
    this.groups = inOrder(groups);
    for (const group of this.groups) for (const { prefix } of group.kinds) this.#groupByPrefix.set(prefix, group);
  }

  isEntityId(entityId: string): boolean {
    const group = this.#groupByPrefix.get(prefixOf(entityId));
    if (!group) return false;
    const key = routingKeyOf(entityId);
    return group.root.audit?.idForm === 'uuid' ? isUuid(key) : key !== '';
  }

  /** The kinds that contribute to `kind`. */
  contributorsTo({ kind }: AuditedKind): readonly AuditedKind[] {
    return this.all.filter(({ audit }) => audit?.contributes?.to === kind);
  }
}

function inOrder(groups: readonly KindGroup[]): KindGroup[] {
  const ordered: KindGroup[] = [];
  const left = new Set(groups);
  const contributesTo = (from: KindGroup, to: KindGroup): boolean =>
    from.kinds.some(({ audit }) => to.kinds.some(({ kind }) => audit?.contributes?.to === kind));
  while (left.size > 0) {
    const next = [...left].find((group) => ![...left].some((from) => contributesTo(from, group)));
    if (!next) throw new Error('kinds of actors contribute to each other in a circle');
    ordered.push(next);
    left.delete(next);
  }
  for (const { kind, audit } of groups.flatMap(({ kinds }) => kinds)) {
    const to = audit?.contributes?.to;
    if (to === undefined) continue;
    const settler = groups.flatMap(({ kinds }) => kinds).find((other) => other.kind === to);
    if (!settler?.audit?.settles) throw new Error(`${kind} contributes to ${to}, which settles nothing`);
  }
  return ordered;
}
