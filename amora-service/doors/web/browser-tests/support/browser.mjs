import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const ARGUMENTS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required'];

export const PHONE = { width: 390, height: 844 };
export const DESKTOP = { width: 1280, height: 820 };

/**
 * A browser with a profile of its own, gone when the tests are.
 * @param {string[]} [further] what its command line says beside what it always does
 */
export async function openBrowser(further = []) {
  const profile = await mkdtemp(join(tmpdir(), 'amora-page-'));
  const executablePath = process.env.AMORA_CHROMIUM ?? '/usr/bin/chromium';
  const browser = await chromium.launchPersistentContext(profile, { executablePath, args: [...ARGUMENTS, ...further], viewport: DESKTOP, colorScheme: 'light' });
  /** Contexts share one browser process, and nothing else. */
  const inner = browser.browser();
  return {
    /** @param {import('playwright-core').BrowserContextOptions} [options] */
    async open(options = {}) {
      if (!inner) throw new Error('the browser gives no further contexts');
      return inner.newContext({ viewport: DESKTOP, colorScheme: 'light', ...options });
    },
    async close() {
      await browser.close();
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
