/**
 * A mocha reporter: prints as "spec" does, and writes how many tests passed and failed as JSON to the file named
 * by the option `countFile`. A crash before the end leaves no file, which the reader counts as a failure.
 *
 * Tests that leave a server, a child or a timer behind would keep mocha from ending. It is given a moment, then
 * ended with what it still waits for and a status that counts as a failure.
 */
'use strict';
const { writeFileSync } = require('node:fs');
const { reporters } = require('mocha');

const LINGER_MS = 10_000;
const EXIT_LINGERED = 70;

module.exports = class CountingReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once('end', () => {
      const { passes, failures, pending } = this.stats;
      writeFileSync(options.reporterOptions.countFile, JSON.stringify({ passed: passes, failed: failures, pending }));
      setTimeout(endLingering, LINGER_MS).unref();
    });
  }
};

function endLingering() {
  const waitedFor = process.getActiveResourcesInfo().join(', ');
  console.error(`FAILED: after the last test something was left that keeps the process alive: ${waitedFor}`);
  process.exit(EXIT_LINGERED);
}
