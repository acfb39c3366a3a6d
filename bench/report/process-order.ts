/** The order in which processes are shown: as a request meets them. */

/** Workers by their number; all others come last. */
const KINDS = ['primary', 'worker', 'PostgreSQL', 'RabbitMQ', 'load'];

/** The names of all processes that any of the samples knows, each once. */
export function processNames(samples: readonly Readonly<Record<string, number>>[]): string[] {
  return [...new Set(samples.flatMap(Object.keys))].sort(
    (first, second) => placeOf(first) - placeOf(second) || first.localeCompare(second, 'en', { numeric: true }),
  );
}

function placeOf(name: string): number {
  const place = KINDS.indexOf(name.replace(/ \d+$/, ''));
  return place === -1 ? KINDS.length : place;
}
