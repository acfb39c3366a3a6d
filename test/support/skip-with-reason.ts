/** Skips a test, or from a `before` hook all of its suite, and says why: a test that did not run proves nothing. */
export function skipWithReason(context: Mocha.Context, reason: string): never {
  console.log(`      ${reason}: skipped`);
  return context.skip();
}
