/**
 * Walks through a JSON value's texts, names and numbers. It does not recurse, and a place costs nothing until it is
 * named, because input from outside decides how deep and wide the value is.
 */

/** Where a value stands; undefined is the whole. */
export interface Place {
  readonly parent: Place | undefined;
  readonly name: string;
}

export interface JsonVisitor {
  /** @returns true to end the walk. */
  text(text: string, place: Place | undefined): boolean;
  /** The name of a member. @param place of the object that has it. */
  name(name: string, place: Place | undefined): boolean;
  number(value: number, place: Place | undefined): boolean;
}

/** True when the visitor ended it. */
export function walkJson(root: unknown, visitor: JsonVisitor): boolean {
  const open: { readonly value: unknown; readonly place: Place | undefined }[] = [{ value: root, place: undefined }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, place } = next;
    if (typeof value === 'string') {
      if (visitor.text(value, place)) return true;
    } else if (typeof value === 'number') {
      if (visitor.number(value, place)) return true;
    } else if (typeof value === 'object' && value !== null) {
      const isList = Array.isArray(value);
      for (const name of Object.keys(value)) {
        if (!isList && visitor.name(name, place)) return true;
        const child = (value as Readonly<Record<string, unknown>>)[name];
        if (child !== null && typeof child !== 'boolean') open.push({ value: child, place: { parent: place, name } });
      }
    }
  }
  return false;
}

/** Outermost first. */
export function namesOf(place: Place | undefined): string[] {
  const names: string[] = [];
  for (let at = place; at !== undefined; at = at.parent) names.push(at.name);
  return names.reverse();
}
