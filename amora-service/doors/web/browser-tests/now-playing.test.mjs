import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { harness, until } from './support/harness.mjs';

describe('now playing', () => {
  const t = harness();
  const seconds = (/** @type {string | null} */ text) => (text ?? '').split(':').reduce((sum, part) => sum * 60 + Number(part), 0);

  it('shows the song, its cover and what comes next', async () => {
    t.play();
    const page = await t.open();
    await page.getByRole('heading', { name: 'Salt & Amber', level: 1 }).waitFor();
    await page.locator('.now .cover img.loaded').waitFor();
    await page.getByRole('region', { name: 'Up next' }).getByText('Lanterns', { exact: true }).waitFor();
    assert.equal(await page.title(), 'Salt & Amber · Marisol Vega');
  });

  it('moves the position between messages of the box, and holds it while paused', async () => {
    t.play(1, 30);
    const page = await t.open();
    const elapsed = page.locator('.now .seek span').first();
    const first = await until(async () => seconds(await elapsed.textContent()) >= 30 && seconds(await elapsed.textContent()));
    await until(async () => seconds(await elapsed.textContent()) >= Number(first) + 2);
    t.box.execute('player.pause', {});
    const held = Math.floor(t.box.state.player.position);
    await until(async () => seconds(await elapsed.textContent()) === held, `not held at ${held}`);
    await page.waitForTimeout(1200);
    assert.equal(seconds(await elapsed.textContent()), held);
  });

  it('allows for a clock of the box that is wrong by minutes', async () => {
    t.play(1, 40);
    t.box.state.player.position_at -= 300_000;
    t.box.changed('player');
    const page = await t.open();
    // A fresh reading by the box's own clock, five minutes behind ours.
    Object.assign(t.box.state.player, { position: 50, position_at: Date.now() - 299_000 });
    t.box.changed('player');
    await page.waitForTimeout(300);
    Object.assign(t.box.state.player, { position: 51, position_at: Date.now() - 298_000 - 1_000 });
    t.box.changed('player');
    const elapsed = page.locator('.now .seek span').first();
    await until(async () => Math.abs(seconds(await elapsed.textContent()) - 51) <= 3, 'the wrong clock was believed');
  });

  it('has a transport that works by mouse and by keyboard', async () => {
    t.play();
    const page = await t.open();
    const main = page.locator('main');
    await main.getByRole('button', { name: 'Pause' }).click();
    await main.getByRole('button', { name: 'Play', exact: true }).waitFor();
    await main.getByRole('button', { name: 'Play', exact: true }).press('Enter');
    await main.getByRole('button', { name: 'Pause' }).waitFor();
    await main.getByRole('button', { name: 'Next' }).click();
    await page.getByRole('heading', { name: 'Lanterns', level: 1 }).waitFor();
    await main.getByRole('button', { name: 'Repeat' }).click();
    assert.deepEqual(await t.carried('player.set_repeat'), { repeat: true });
    await until(async () => (await main.getByRole('button', { name: 'Repeat' }).getAttribute('aria-pressed')) === 'true');
  });

  it('seeks', async () => {
    t.play();
    const page = await t.open();
    const slider = page.locator('main').getByRole('slider', { name: 'Position in the song' });
    const before = Number(await slider.inputValue());
    await slider.press('ArrowRight');
    const { position } = await t.carried('player.seek');
    assert.ok(Math.abs(position - before - 5) <= 2, `${before} → ${position}`);
    assert.match(String(await slider.getAttribute('aria-valuetext')), /^\d+:\d\d of 4:12$/);
    const area = /** @type {{ x: number, y: number, width: number, height: number }} */ (await slider.boundingBox());
    await page.mouse.click(area.x + area.width / 2, area.y + area.height / 2);
    await t.carried('player.seek', (params) => Math.abs(params.position - 126) < 8);
  });

  it('marks favourites at once, and takes the mark back when the box refuses', async () => {
    t.play();
    const page = await t.open();
    const heart = page.getByRole('button', { name: 'Favourite', exact: true });
    await heart.click();
    assert.deepEqual(await t.carried('player.set_favourite'), { file: t.box.queue[1].file, favourite: true });
    assert.equal(await heart.getAttribute('aria-pressed'), 'true');
    const { Refusal } = await import('./fake-box/model.mjs');
    t.box.refusals.set('player.set_favourite', new Refusal('unavailable', 'the sticker database is away'));
    await heart.click();
    await page.locator('.toast').getByText('The sticker database is away').waitFor();
    assert.equal(await heart.getAttribute('aria-pressed'), 'true');
  });

  it('sets the sleep timer, crossfade, replay gain, single and consume', async () => {
    t.play();
    const page = await t.open();
    await page.getByRole('button', { name: 'Sleep timer' }).click();
    await page.getByRole('dialog').getByRole('button', { name: '30 min' }).click();
    assert.deepEqual(await t.carried('player.set_sleep_timer'), { minutes: 30 });
    await page.getByText(/Sleeps in (30:00|29:5\d)/).waitFor();
    await page.getByRole('button', { name: 'Playback' }).click();
    const sheet = page.getByRole('dialog', { name: 'Playback' });
    await sheet.getByRole('radio', { name: '4 s' }).check();
    assert.deepEqual(await t.carried('player.set_crossfade'), { seconds: 4 });
    await sheet.getByRole('radio', { name: 'Album' }).check();
    assert.deepEqual(await t.carried('player.set_replay_gain'), { mode: 'album' });
    await sheet.getByRole('switch', { name: /Stop after each song/ }).check();
    assert.deepEqual(await t.carried('player.set_single'), { single: true });
    await sheet.getByRole('switch', { name: /Clear as it plays/ }).check();
    assert.deepEqual(await t.carried('player.set_consume'), { consume: true });
    await page.keyboard.press('Escape');
    await sheet.waitFor({ state: 'detached' });
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Playback', 'the focus returned');
  });

  it('says why there is no music when the player is away', async () => {
    const page = await t.open();
    Object.assign(t.box.state.player, { state: 'disconnected', error: 'MPD at localhost:6600 does not answer.' });
    t.box.changed('player');
    await page.getByText('MPD at localhost:6600 does not answer.').waitFor();
  });

  it('sends no more volumes than the box can answer, and ends at the last', async () => {
    t.play();
    const page = await t.open();
    const slider = page.getByRole('slider', { name: 'Volume' });
    await slider.focus();
    for (let press = 0; press < 20; press += 1) await page.keyboard.press('ArrowDown');
    await t.carried('audio.set_volume', ({ volume }) => volume === 42);
    await until(() => t.box.state.audio.volume === 42);
    t.box.execute('audio.set_volume', { volume: 17 });
    await until(async () => (await slider.inputValue()) === '17', 'a change elsewhere did not arrive');
    await page.getByRole('button', { name: 'Mute' }).click();
    assert.deepEqual(await t.carried('audio.set_mute'), { mute: true });
  });

  it('gives the volume back when the box refuses it', async () => {
    const { Refusal } = await import('./fake-box/model.mjs');
    t.box.refusals.set('audio.set_volume', new Refusal('not_allowed', 'the volume is locked'));
    const page = await t.open();
    await page.getByRole('slider', { name: 'Volume' }).press('ArrowUp');
    await page.locator('.toast').getByText('The volume is locked').waitFor();
    assert.equal(await page.getByRole('slider', { name: 'Volume' }).inputValue(), '62');
  });
});
