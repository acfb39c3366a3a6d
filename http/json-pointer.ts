/** Owns JSON pointers (RFC 6901): how errors name a place in a body. */

/** A name that a client made up is cut: pointers stand in answers. */
const NAME_LENGTH_MAX = 64;

export function childPointer(parent: string, name: string | number): string {
  const whole = String(name);
  const short = whole.length > NAME_LENGTH_MAX ? `${[...whole].slice(0, NAME_LENGTH_MAX).join('')}…` : whole;
  return `${parent}/${short.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

export function pointerOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>((pointer, name) => childPointer(pointer, typeof name === 'symbol' ? '' : name), '');
}
