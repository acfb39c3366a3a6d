/**
 * A mocha reporter: prints as "spec" does, and writes how many tests passed and failed as JSON to the file named
 * by the option `countFile`. A crash before the end leaves no file, which the reader counts as a failure.
 */
'use strict';
const { writeFileSync } = require('node:fs');
const { reporters } = require('mocha');

module.exports = class CountingReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once('end', () => {
      const { passes, failures, pending } = this.stats;
      writeFileSync(options.reporterOptions.countFile, JSON.stringify({ passed: passes, failed: failures, pending }));
    });
  }
};
