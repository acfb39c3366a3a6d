/** Waits for a condition instead of for a time; when it never comes true the error says what was there instead. */

const PATIENCE_MS = 10_000;
const LOOK_EVERY_MS = 2;
/** A machine that stood still meanwhile has looked too seldom to be sure. */
const LOOKS_MIN = 500;

/**
 * @param diagnose what to show when patience runs out
 * @throws Error naming `label` when the condition does not become true within `patienceMs`
 */
export async function waitUntil(
  label: string,
  condition: () => boolean | Promise<boolean>,
  diagnose: () => unknown = () => undefined,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  const giveUpAt = performance.now() + patienceMs;
  for (let looks = 1; !(await condition()); looks++) {
    if (performance.now() > giveUpAt && looks >= LOOKS_MIN)
      throw new Error(`waited in vain until ${label}: ${JSON.stringify(diagnose())}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/** Lets everything run that is ready to: turns of the event loop, not time. */
export async function turns(count = 5): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
}
