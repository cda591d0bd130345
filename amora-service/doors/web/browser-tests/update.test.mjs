import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Refusal } from './fake-box/model.mjs';
import { assertFaultless } from './support/axe.mjs';
import { harness, until } from './support/harness.mjs';

/** Larger than what the network between page and box holds, so that a box that stops reading stops the page. */
const SIZE = 24_000_000;
const CHECKS = /** @type {const} */ (['system', 'sound', 'page', 'cloud', 'data']);

describe('updates', () => {
  const t = harness();
  const content = Buffer.concat([Buffer.from('070702'), randomBytes(SIZE - 6)]);
  let folder = '';
  let update = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'amora-update-'));
    update = join(folder, 'amora-1.5.0.swu');
    await writeFile(update, content);
    await writeFile(join(folder, 'holiday.swu'), 'GIF89a and so on');
  });
  after(() => rm(folder, { recursive: true }));
  /** @param {import('playwright-core').Page} page */
  const card = (page, /** @type {string} */ name) => page.getByRole('region', { name, exact: true });
  /** @param {import('playwright-core').Page} page */
  const spoken = (page) => page.locator('.app > .for-readers[role="status"]').textContent();
  /** @param {number} passed @param {number} [tries] */
  const trial = (passed, tries = 1) => ({
    tries, limit: 3, deadline: Date.now() + 240_000,
    checks: CHECKS.map((check, index) => ({ check, result: /** @type {'passed' | 'waiting'} */ (index < passed ? 'passed' : 'waiting'), seen: check === 'sound' ? 'samples moved for 7 of 10 s' : '' })),
  });

  it('says what runs, and from which slot', async () => {
    const page = await t.open('box');
    await page.getByRole('link', { name: 'System and updates' }).click();
    await page.getByRole('heading', { name: 'System', level: 1 }).waitFor();
    const software = card(page, 'Software');
    await software.getByText('1.4.2').waitFor();
    await software.getByText('Nothing is being installed').waitFor();
    assert.equal(await software.locator('dd').nth(1).textContent(), 'A');
    assert.equal(await card(page, 'Last update').count(), 0);
  });

  it('sends every byte of a file, and shows how far it is', async () => {
    const page = await t.open('box/system');
    t.box.updates.gate = SIZE / 3;
    await page.getByLabel('Restart into it').selectOption('manual');
    await page.getByLabel('From a file').setInputFiles(update);
    await page.getByRole('button', { name: 'Send and install' }).click();
    const software = card(page, 'Software');
    await software.getByText('1.5.0 is being installed in slot B').waitFor();
    await software.getByText(/^3[34] % · 8 of 24 MB · rootfs\.squashfs/).waitFor();
    const percent = Number(await software.getByRole('progressbar').getAttribute('aria-valuenow'));
    assert.ok(percent >= 33 && percent < 60, String(percent));
    assert.equal(await card(page, 'Install an update').count(), 0);
    await t.go(page, 'now');
    await t.go(page, 'box/system');
    await software.getByText('Keep this page open').waitFor();
    t.box.updates.open();
    await software.getByText('1.5.0 is installed and waits for a restart').waitFor();
    assert.deepEqual(t.box.updates.upload, { bytes: SIZE, hash: createHash('sha256').update(content).digest('hex'), restart: 'manual', brokenOff: false });
    await until(async () => (await spoken(page)) === '1.5.0 is installed and waits for a restart.');
  });

  it('calls an upload off, and the box knows that somebody did', async () => {
    const page = await t.open('box/system');
    t.box.updates.gate = SIZE / 4;
    await page.getByLabel('From a file').setInputFiles(update);
    await page.getByRole('button', { name: 'Send and install' }).click();
    const cancel = card(page, 'Software').getByRole('button', { name: 'Cancel' });
    await until(() => t.box.updates.upload.bytes >= SIZE / 4);
    await cancel.click();
    await page.getByRole('button', { name: 'Send and install' }).waitFor();
    // The end of the connection stands behind all that was already on its way.
    await until(() => t.box.updates.upload.brokenOff || (t.box.updates.sip(), false), 'the page went on sending');
    assert.ok(t.box.updates.upload.bytes < SIZE);
    await card(page, 'Last update').getByText('1.5.0 was called off. The running system was not touched.').waitFor();
    await page.getByRole('button', { name: 'Send and install' }).waitFor();
    assert.equal(await page.getByRole('alert').filter({ hasText: /./ }).count(), 0, 'what somebody wanted is no problem');
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Software', 'the focus is not lost with the button');
  });

  it('tells why the box refuses: before it begins, for what the file is, and for what the box is', async () => {
    const page = await t.open('box/system');
    const problem = card(page, 'Install an update').getByRole('alert');
    await page.getByLabel('From a file').setInputFiles(join(folder, 'holiday.swu'));
    await page.getByRole('button', { name: 'Send and install' }).click();
    await problem.getByText('holiday.swu is not an update: updates are signed .swu files.').waitFor();
    assert.equal(t.box.updates.upload.bytes, 0);

    t.box.updates.refusal = { cause: 'wrong_signer', reason: 'the signature is not by anybody whom this box trusts', next_step: 'Ask whoever made the update for one that is signed for this box.' };
    await page.getByLabel('From a file').setInputFiles(update);
    await page.getByRole('button', { name: 'Send and install' }).click();
    await problem.getByText('The signature is not by anybody whom this box trusts.').waitFor();
    const last = card(page, 'Last update');
    await last.getByText('1.5.0 was refused. Nothing was changed.').waitFor();
    await last.getByText('Ask whoever made the update for one that is signed for this box.').waitFor();

    t.box.refusals.set('update.install', new Refusal('conflict', 'the supply voltage was too low: use a power supply that gives 3 A'));
    await page.getByLabel('From an address').fill('https://updates.example.org/amora.swu');
    await page.getByRole('button', { name: 'Fetch and install' }).click();
    await problem.getByText('The supply voltage was too low: use a power supply that gives 3 A.').waitFor();
    assert.equal(await page.getByLabel('From an address').inputValue(), 'https://updates.example.org/amora.swu');
    t.forgive();
  });

  it('has the box fetch an update, with few words to those who listen', async () => {
    const page = await t.open('box/system');
    await page.getByText('Configured: in the hours 03:00 to 05:00.').waitFor();
    await page.getByLabel('From an address').fill('ftp://example.org/amora.swu');
    await page.getByRole('button', { name: 'Fetch and install' }).click();
    assert.equal(t.box.log.some(({ command }) => command === 'update.install'), false, 'the browser stops what is no web address');
    await page.getByLabel('From an address').fill('https://updates.example.org/amora.swu');
    /** @type {string[]} */
    const heard = [];
    await page.exposeFunction('heard', (/** @type {string} */ text) => heard.push(text));
    await page.evaluate(() => {
      const status = /** @type {Element} */ (document.querySelector('.app > .for-readers[role="status"]'));
      new MutationObserver(() => Reflect.get(window, 'heard')(status.textContent)).observe(status, { childList: true, characterData: true, subtree: true });
    });
    await page.getByRole('button', { name: 'Fetch and install' }).click();
    assert.deepEqual(await t.carried('update.install'), { url: 'https://updates.example.org/amora.swu' });
    const software = card(page, 'Software');
    for (let percent = 1; percent <= 100; percent += 1) t.box.updates.advance(percent * 1_450_000, 145_000_000);
    await software.getByText('100 % · 145 of 145 MB').waitFor();
    t.box.updates.set({ install: { .../** @type {any} */ (t.box.state.update.install), waiting: 'the server does not answer; it is tried again' } });
    await software.getByText('It stands still: the server does not answer; it is tried again.').waitFor();
    await until(() => heard.length === 5, heard.join('|'));
    assert.deepEqual(heard.map((text) => text.replace(/^The update/, '1.5.0')), ['1.5.0 is being installed in slot B.', '25 percent installed.', '50 percent installed.', '75 percent installed.', 'The server does not answer; it is tried again.']);
  });

  it('says that the full image comes in place of a delta, and why, also when it ended', async () => {
    const page = await t.open('box/system');
    t.box.updates.begin('upload');
    t.box.updates.advance(1, 2);
    const fallback = 'the server does not give the chunks that it needs';
    t.box.updates.set({ install: { .../** @type {any} */ (t.box.state.update.install), received: 0, fallback } });
    const words = 'The full image is taken in place of the delta: the server does not give the chunks that it needs.';
    await card(page, 'Software').getByText(words).waitFor();
    await until(async () => (await spoken(page)) === words);
    t.box.updates.end({ outcome: 'kept', fallback });
    await card(page, 'Last update').getByText(words).waitFor();
    assert.equal(await card(page, 'Software').getByText(words).isVisible(), false);
  });

  it('says by the browser\'s clock when it restarts at the latest', async () => {
    const page = await t.open('box/system');
    const at = new Date();
    at.setHours(23, 58, 30, 0);
    t.box.updates.set({ phase: 'installed', restart: { policy: 'window', waiting_for: "23:00 o'clock", at: at.getTime() } });
    const time = await page.evaluate((when) => new Date(when).toLocaleString(undefined, { timeStyle: 'short' }), at.getTime());
    await card(page, 'Software').getByText(`The box restarts by itself in the hours set for it. It waits for 23:00 o'clock. It restarts at ${time} at the latest.`).waitFor();
  });

  it('restarts when told, says so while the box is away, and shows the trial when it is back', async () => {
    t.play();
    const page = await t.open('box/system');
    t.box.updates.begin('url');
    t.box.updates.advance(9, 9);
    t.box.updates.installed();
    const software = card(page, 'Software');
    await software.getByText('The box restarts by itself as soon as nothing has played for a while. It waits for the music to end.').waitFor();
    await software.getByRole('button', { name: 'Restart now' }).click();
    await page.getByRole('dialog').getByText('Music is playing.').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Restart' }).click();
    await t.carried('update.restart');
    await software.getByText('Restarting into 1.5.0').waitFor();
    const { port, box } = t.fake;
    await page.evaluate(() => Reflect.set(window, 'from', 'the old system'));
    await t.fake.stop();
    await page.getByText('The box is restarting. This takes about a minute.').waitFor();
    Object.assign(box.state.update, { phase: 'trial', version: '1.5.0', slot: 'b', install: null, trial: trial(3) });
    const { startFakeBox } = await import('./fake-box/server.mjs');
    t.fake = await startFakeBox({ box, port });
    await software.getByText('1.5.0 is being tried: 3 of 5 checks passed').waitFor();
    await until(() => page.evaluate(() => !Reflect.has(window, 'from')), 'the page of the old system is still there');
    t.forgive();
  });

  it('follows a trial to its good end', async () => {
    const page = await t.open('box/system');
    t.box.updates.set({ phase: 'trial', version: '1.5.0', slot: 'b', trial: trial(3, 2) });
    const software = card(page, 'Software');
    await software.getByText('1.5.0 is being tried: 3 of 5 checks passed').waitFor();
    await software.getByText(/^Start 2 of 3\./).waitFor();
    await software.getByRole('listitem').filter({ hasText: 'Sound' }).getByText('samples moved for 7 of 10 s').waitFor();
    assert.equal(await software.locator('.checks [data-result="passed"]').count(), 3);
    t.box.updates.set({ trial: trial(5, 2) });
    await until(async () => (await spoken(page)) === '1.5.0 is being tried: 5 of 5 checks passed.');
    t.box.updates.end({ outcome: 'kept', tries: 2 });
    await card(page, 'Last update').getByText('1.5.0 proved itself and stays.').waitFor();
  });

  it('keeps or gives up a trial when somebody says so, and asks before', async () => {
    const page = await t.open('box/system');
    t.box.updates.set({ phase: 'trial', version: '1.5.0', slot: 'b', trial: trial(1) });
    await page.getByRole('button', { name: 'Go back' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
    assert.equal(t.box.log.some(({ command }) => command === 'update.roll_back'), false);
    await page.getByRole('button', { name: 'Keep it now' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Keep it' }).click();
    await t.carried('update.confirm');
  });

  it('explains why the box went back, wherever one is', async () => {
    t.box.updates.set({ phase: 'trial', version: '1.5.0', slot: 'b', trial: trial(1, 3) });
    const page = await t.open('now');
    Object.assign(t.box.state.update, { version: '1.4.2', slot: 'a' });
    t.box.updates.end({ outcome: 'rolled_back', cause: 'check_failed', reason: 'no sound came from the new system', next_step: 'Report this to whoever made the update.', check: 'sound', seen: 'the card opened\n0 samples in 60 s <b>', tries: 3 });
    await page.locator('.toast').getByText('1.5.0 did not prove itself. The box went back to 1.4.2.').waitFor();
    await t.go(page, 'box/system');
    const last = card(page, 'Last update');
    await last.getByText('No sound came from the new system.').waitFor();
    await last.getByText('Report this to whoever made the update.').waitFor();
    await last.getByText('0 samples in 60 s <b>').waitFor();
    await last.getByText('Details').press('Enter');
    await last.getByText('sent by a person').waitFor();
    assert.deepEqual(await last.locator('dt').allTextContents(), ['When', 'Came', 'Before', 'Update', 'Slot', 'Started', 'Failed check', 'Cause']);
  });

  it('says why a computer without slots cannot be updated', async () => {
    t.box.updates.set({ unavailable: 'this computer has no second slot', version: '', slot: null });
    const page = await t.open('box/system');
    await page.getByText('This box cannot be updated: this computer has no second slot.').waitFor();
    assert.deepEqual(await card(page, 'Software').locator('dd').allTextContents(), ['0.1.0 (not an AmoraOS image)']);
    assert.equal(await card(page, 'Install an update').count(), 0);
    Reflect.deleteProperty(t.box.state, 'update');
    const other = await t.open('box/system');
    await other.getByText('The service of this box has no part for updates.').waitFor();
  });

  it('offers nothing to those who may only look', async () => {
    t.fake.control.openStatus = true;
    const page = await t.blank();
    await page.goto(`${t.fake.url}/#/box/system`);
    await card(page, 'Software').waitFor();
    for (const name of ['Install an update', 'Power']) assert.equal(await card(page, name).count(), 0, name);
    t.forgive();
  });

  it('has no serious fault of accessibility in any phase, light and dark, large and small', async () => {
    const page = await t.open('box/system', { reducedMotion: 'reduce' });
    /** @type {Array<[string, () => void]>} */
    const phases = [
      ['The kernel panicked.', () => t.box.updates.end({ outcome: 'rolled_back', cause: 'panic', reason: 'the kernel panicked', seen: 'Kernel panic - not syncing', tries: 3 })],
      ['Checking whether', () => t.box.updates.set({ phase: 'checking' })],
      ['It stands still', () => t.box.updates.begin('url', { waiting: 'the server does not answer' })],
      ['44 %', () => t.box.updates.advance(4, 9)],
      ['waits for a restart', () => t.box.updates.installed()],
      ['1 of 3 checks passed', () => t.box.updates.set({ phase: 'trial', install: null, restart: null, trial: { ...trial(2), checks: [.../** @type {const} */ (['passed', 'failed', 'skipped', 'waiting'])].map((result, index) => ({ check: CHECKS[index], result, seen: 'so and so' })) } })],
      ['proved itself and stays', () => t.box.updates.end({ outcome: 'kept' })],
    ];
    await assertFaultless(page, phases);
  });
});
