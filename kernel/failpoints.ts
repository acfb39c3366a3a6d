/**
 * Named places at the boundaries of a commit where a test may make the process stop, fail or wait. Without a test they
 * cost one comparison. Placed where a crash is worst: just before and just after something became durable.
 */

export type FailpointName =
  'append.before' | 'append.after' | 'outside.after' | 'projection.before' | 'projection.after';

let handlers: Map<FailpointName, () => void | Promise<void>> | undefined;

/** Runs what a test has set for `name`: it may throw, wait, or kill the process. */
export function failpoint(name: FailpointName): void | Promise<void> {
  return handlers?.get(name)?.();
}

/** For tests. @returns what takes it away again. */
export function setFailpoint(name: FailpointName, handler: () => void | Promise<void>): () => void {
  handlers ??= new Map();
  handlers.set(name, handler);
  return () => {
    handlers?.delete(name);
    if (handlers?.size === 0) handlers = undefined;
  };
}

/**
 * For processes under test: `append.after:exit@3` ends the process, as kill -9 would, the third time it gets there.
 * @throws Error for a text of another form.
 */
export function setFailpointFromText(text: string): void {
  const match = /^([a-z.]+):exit@(\d+)$/.exec(text);
  if (!match) throw new Error(`a failpoint is written <name>:exit@<count>, not ${JSON.stringify(text)}`);
  let left = Number(match[2]);
  setFailpoint(match[1] as FailpointName, () => {
    if (--left === 0) process.kill(process.pid, 'SIGKILL');
  });
}
