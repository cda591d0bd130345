// Drives the page of a running demo in Chromium and looks at MPD for what came of it: `page.mjs ADDRESS MPD_PORT`.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { openBrowser } from '../../amora-service/doors/web/browser-tests/support/browser.mjs';

const [address, port] = process.argv.slice(2);
const mpc = (...words) => execFileSync('mpc', ['--port', port, ...words], { encoding: 'utf8' });

async function until(what, ready) {
  const deadline = Date.now() + 60_000;
  while (!ready()) {
    assert.ok(Date.now() < deadline, `waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const browser = await openBrowser();
try {
  const page = await (await browser.open()).newPage();
  page.setDefaultTimeout(60_000);
  const problems = [];
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(address);

  const title = mpc('current', '-f', '%title%').trim();
  await page.getByRole('heading', { name: title, level: 1 }).waitFor();
  await page.locator('.now .cover img.loaded').waitFor();
  assert.ok(!page.url().includes('code='), 'the login code stays out of the history');

  await page.locator('main').getByRole('button', { name: 'Pause' }).click();
  await until('MPD to pause', () => mpc('status').includes('[paused]'));
  mpc('next');
  mpc('play');
  const next = mpc('current', '-f', '%title%').trim();
  assert.notEqual(next, title);
  await page.getByRole('heading', { name: next, level: 1 }).waitFor();
  await page.locator('main').getByRole('button', { name: 'Pause' }).waitFor();
  assert.deepEqual(problems, []);
} finally {
  await browser.close();
}
