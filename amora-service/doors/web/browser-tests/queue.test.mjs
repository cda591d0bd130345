import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Refusal } from './fake-box/model.mjs';
import { PHONE } from './support/browser.mjs';
import { harness, until } from './support/harness.mjs';

describe('queue', () => {
  const t = harness();
  const titles = (/** @type {import('playwright-core').Page} */ page) => page.locator('.windowed .row').evaluateAll((rows) => rows
    .map((row) => ({ y: row.getBoundingClientRect().y, title: row.querySelector('.title')?.textContent ?? '' }))
    .sort((one, other) => one.y - other.y).map(({ title }) => title));

  it('plays an entry, and marks the one that plays', async () => {
    t.play();
    const page = await t.open('queue');
    await page.getByRole('button', { name: /^Play Lanterns/ }).click();
    assert.deepEqual(await t.carried('player.play'), { id: t.box.queue[2].id });
    await page.locator('.row.current', { hasText: 'Lanterns' }).waitFor();
  });

  it('removes an entry and keeps the focus near', async () => {
    t.play();
    const page = await t.open('queue');
    const { id } = t.box.queue[3];
    await page.getByRole('button', { name: 'Remove: A Map of Small Streets' }).press('Enter');
    assert.deepEqual(await t.carried('player.queue_remove'), { id });
    await until(async () => (await page.locator('.windowed').getByText('A Map of Small Streets').count()) === 0);
    assert.match(String(await page.evaluate(() => document.activeElement?.textContent)), /^Play Undertow/);
  });

  it('moves an entry with the mouse', async () => {
    t.play();
    const page = await t.open('queue');
    const { id } = t.box.queue[0];
    const from = await centre(page.getByRole('button', { name: 'Move First Light on the Quay' }));
    const to = await centre(page.getByRole('button', { name: 'Move A Map of Small Streets' }));
    await page.mouse.move(from.x, from.y);
    await page.mouse.down();
    await page.mouse.move(from.x, from.y + 40, { steps: 4 });
    await page.mouse.move(to.x, to.y + 4, { steps: 8 });
    await page.locator('.row.dragging').waitFor();
    await page.mouse.up();
    assert.deepEqual(await t.carried('player.queue_move'), { id, to: 3 });
    await until(async () => (await titles(page)).slice(0, 4).join() === 'Salt & Amber,Lanterns,A Map of Small Streets,First Light on the Quay');
  });

  it('moves an entry with a finger, without scrolling the list', async () => {
    t.play();
    const page = await t.open('queue', { viewport: PHONE, hasTouch: true, isMobile: true });
    const from = await centre(page.getByRole('button', { name: 'Move Lanterns' }));
    const to = await centre(page.getByRole('button', { name: 'Move First Light on the Quay' }));
    const touch = await page.context().newCDPSession(page);
    const point = (/** @type {string} */ type, /** @type {number} */ y) => touch.send('Input.dispatchTouchEvent', { type: /** @type {any} */ (type), touchPoints: type === 'touchEnd' ? [] : [{ x: from.x, y }] });
    await point('touchStart', from.y);
    for (let step = 1; step <= 8; step += 1) await point('touchMove', from.y + ((to.y - from.y) * step) / 8);
    await point('touchEnd', to.y);
    assert.equal((await t.carried('player.queue_move')).to, 0);
    assert.equal(await page.locator('main').evaluate((main) => main.scrollTop), 0);
  });

  it('moves an entry by keyboard, says so, and puts it back on Escape', async () => {
    t.play();
    const page = await t.open('queue');
    const { id } = t.box.queue[1];
    await page.getByRole('button', { name: 'Move Salt & Amber' }).focus();
    await page.keyboard.press('Space');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Escape');
    assert.equal(t.box.log.filter(({ command }) => command === 'player.queue_move').length, 0);
    await page.keyboard.press('Space');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Space');
    assert.deepEqual(await t.carried('player.queue_move'), { id, to: 3 });
    await page.getByText('Salt & Amber is now at place 4 of 50.').waitFor({ state: 'attached' });
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('aria-label')), 'Move Salt & Amber');
    await page.keyboard.press('Alt+ArrowUp');
    await t.carried('player.queue_move', ({ to }) => to === 2);
  });

  it('shows the order of the box again when a move is refused', async () => {
    t.play();
    t.box.refusals.set('player.queue_move', new Refusal('unavailable', 'MPD is away'));
    const page = await t.open('queue');
    await page.getByRole('button', { name: 'Move Salt & Amber' }).focus();
    await page.keyboard.press('Alt+ArrowDown');
    await page.locator('.toast').getByText('MPD is away').waitFor();
    await until(async () => (await titles(page))[1] === 'Salt & Amber');
  });

  it('is walked through with the arrow keys, on the same control', async () => {
    t.play();
    const page = await t.open('queue');
    await page.getByRole('button', { name: /^Play First Light/ }).focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    assert.match(String(await page.evaluate(() => document.activeElement?.textContent)), /^Play Lanterns/);
    await page.keyboard.press('End');
    await until(async () => /^Play Rain Chain/.test(String(await page.evaluate(() => document.activeElement?.textContent))));
    await page.keyboard.press('Home');
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('aria-label')), 'More: First Light on the Quay');
  });

  it('shows 16,384 entries with few rows in the document, and fetches only what is looked at', async () => {
    const songs = Array.from({ length: 16_384 }, (_, index) => ({ ...t.box.library[index % 50], title: `Song ${index + 1}` }));
    t.box.enqueue(songs);
    t.box.playAt(0);
    const page = await t.open('queue');
    await page.getByText('Song 1', { exact: true }).first().waitFor();
    const started = t.box.log.length;
    await page.locator('main').evaluate((main) => {
      main.scrollTop = main.scrollHeight / 2;
    });
    await until(async () => (await titles(page)).some((title) => /^Song 81\d\d$/.test(title)), 'the middle did not come');
    await page.locator('main').evaluate((main) => {
      main.scrollTop = main.scrollHeight;
    });
    await page.getByText('Song 16384', { exact: true }).waitFor();
    assert.ok((await page.locator('.windowed .row').count()) < 60, 'the document grows with the queue');
    const asked = t.box.log.slice(started).filter(({ command }) => command === 'player.get_queue').reduce((sum, { params }) => sum + params.limit, 0);
    assert.ok(asked <= 1200, `${asked} entries were asked for`);
    assert.equal(await page.locator('.row', { hasText: 'Song 16384' }).getAttribute('aria-setsize'), '16384');
  });

  it('is saved as a playlist, and asks before it replaces one', async () => {
    t.play();
    t.box.playlists.set('Mix', []);
    const page = await t.open('queue');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByLabel('Name of the playlist').fill('Mix');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Replace the playlist?' }).getByRole('button', { name: 'Replace' }).click();
    assert.deepEqual(await t.carried('player.queue_save', ({ replace }) => replace), { name: 'Mix', replace: true });
    await until(() => t.box.playlists.get('Mix')?.length === 50);
  });

  it('is cleared after a question, and then says where music is', async () => {
    t.play();
    const page = await t.open('queue');
    await page.getByRole('button', { name: 'More for the queue' }).click();
    await page.getByRole('button', { name: 'Clear the queue' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Clear', exact: true }).click();
    await page.getByText('The queue is empty.').waitFor();
    assert.equal(t.box.queue.length, 0);
  });
});

/** @param {import('playwright-core').Locator} locator */
async function centre(locator) {
  const area = await locator.boundingBox();
  assert.ok(area);
  return { x: area.x + area.width / 2, y: area.y + area.height / 2 };
}
