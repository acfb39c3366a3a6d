/** A headless browser for tests: Debian's Chromium, driven by playwright-core. In CI its absence is a failure. */
import { existsSync } from 'node:fs';
import { chromium, type Browser, type Page } from 'playwright-core';
import { skipWithReason } from './skip-with-reason.ts';

const PROGRAMS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
/** It must speak to nothing but the page; as root it has no sandbox of its own. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export async function openBrowser(hook: Mocha.Context): Promise<Browser> {
  const executablePath = PROGRAMS.find(existsSync);
  if (executablePath !== undefined) return chromium.launch({ executablePath, args: ARGUMENTS });
  const reason = 'no Chromium is installed (apt-get install chromium)';
  if (process.env['CI'] === 'true') throw new Error(`${reason}, and in CI there must be one`);
  return skipWithReason(hook, reason);
}

/** What a page complains of: errors of its scripts, refused by its policy, or files that are not there. */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('requestfailed', (request) => complaints.push(`${request.url()} could not be loaded`));
  return complaints;
}
