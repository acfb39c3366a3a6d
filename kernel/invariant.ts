/** The one assert. A broken invariant is a defect of this program, never a consequence of its input. */

export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation';
}

/** @throws InvariantViolation naming `rule` when `holds` is false. */
export function invariant(holds: boolean, rule: string): asserts holds {
  if (!holds) throw new InvariantViolation(rule);
}

/** Closes an exhaustive switch: the compiler refuses a missing case, the runtime refuses a foreign one. */
export function unreachable(value: never, where: string): never {
  throw new InvariantViolation(`${where}: unexpected ${JSON.stringify(value)}`);
}
