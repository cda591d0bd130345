import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { toneFile } from './tone.mjs';

const ARGUMENTS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required',
  '--use-fake-device-for-media-stream',
  // A name that is no address and not localhost: a page from there is not trusted with a microphone.
  '--host-resolver-rules=MAP kitchen.test 127.0.0.1',
];

/** The tone that the browser's microphone hears, hertz. */
export const MOUTH = 640;

export const PHONE = { width: 390, height: 844 };
export const DESKTOP = { width: 1280, height: 820 };

/**
 * A browser with a profile of its own, gone when the tests are.
 * @param {string[]} [further] what its command line says beside what it always does
 */
export async function openBrowser(further = []) {
  const profile = await mkdtemp(join(tmpdir(), 'amora-page-'));
  const mouth = join(profile, 'mouth.wav');
  await writeFile(mouth, toneFile(MOUTH, 0.25, 10));
  const executablePath = process.env.AMORA_CHROMIUM ?? '/usr/bin/chromium';
  const browser = await chromium.launchPersistentContext(profile, { executablePath, args: [...ARGUMENTS, `--use-file-for-fake-audio-capture=${mouth}`, ...further], viewport: DESKTOP, colorScheme: 'light' });
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
