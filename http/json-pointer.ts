/** Owns JSON pointers (RFC 6901): how errors name a place in a body. */

/** A name that a client made up is cut: pointers stand in answers. */
const NAME_LENGTH_MAX = 64;

export function childPointer(parent: string, name: string | number): string {
  const whole = String(name);
  const short = whole.length > NAME_LENGTH_MAX ? `${beginningOf(whole)}…` : whole;
  return `${parent}/${short.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** Cut before it is taken apart: it may be as long as the body. */
function beginningOf(name: string): string {
  return [...name.slice(0, 2 * NAME_LENGTH_MAX)].slice(0, NAME_LENGTH_MAX).join('');
}

/** A body may be nested as deep as it is long. */
const NAMES_MAX = 40;

export function pointerOf(path: readonly PropertyKey[]): string {
  return path
    .slice(0, NAMES_MAX)
    .reduce<string>((pointer, name) => childPointer(pointer, typeof name === 'symbol' ? '' : name), '');
}
