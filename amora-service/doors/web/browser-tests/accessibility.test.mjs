import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { violations } from './support/axe.mjs';
import { DESKTOP, PHONE } from './support/browser.mjs';
import { harness, until } from './support/harness.mjs';

const VIEWS = ['now', 'queue', 'library', 'library/artists', 'library/folders', 'library/favourites', 'library/albums/Folded', 'library/artists/Lumen', 'library/search/noct', 'playlists', 'playlists/Cooking', 'sound', 'talk', 'box', 'box/cloud', 'box/system'];

describe('accessibility', () => {
  const t = harness();
  const furnish = (/** @type {number} */ song) => {
    t.play(song);
    t.box.favourites.add(t.box.library[3].file);
    t.box.playlists.set('Cooking', t.box.library.slice(0, 8).map(({ file }) => file));
    t.box.setVoice();
    t.box.state.system.health.mqtt = { condition: 'degraded', cause: 'The broker refuses the connection.', next_step: 'Check that mosquitto runs.', since: Date.now() };
    t.box.state.system.health.player = { condition: 'failed', cause: 'MPD is not installed.', next_step: 'Install mpd.', since: Date.now() };
  };

  for (const [size, viewport, song] of /** @type {const} */ ([['desktop', DESKTOP, 1], ['phone', PHONE, 8]])) {
    for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
      it(`has no serious fault in any view, ${size}, ${colorScheme}`, async () => {
        furnish(song);
        const page = await t.open('now', { viewport, colorScheme, reducedMotion: 'reduce' });
        await page.locator('.now .cover img.loaded').waitFor();
        for (const view of VIEWS) {
          await t.go(page, view);
          await until(async () => (await page.locator('.row.waiting').count()) === 0);
          await page.waitForTimeout(150);
          assert.deepEqual(await violations(page), [], view);
        }
      });
    }
  }

  it('has none with covers of every colour', async () => {
    furnish(0);
    const page = await t.open('now', { reducedMotion: 'reduce' });
    const starts = [...new Set(t.box.queue.map(({ album }) => album))].map((album) => t.box.queue.findIndex((song) => song.album === album));
    for (const scheme of /** @type {const} */ (['light', 'dark'])) {
      await page.emulateMedia({ colorScheme: scheme });
      for (const index of starts) {
        t.box.playAt(index);
        await page.getByRole('heading', { name: t.box.queue[index].title, level: 1, exact: true }).waitFor();
        await page.locator('.now .cover img.loaded').waitFor();
        await page.waitForTimeout(100);
        assert.deepEqual(await violations(page), [], `${scheme}, ${t.box.queue[index].album}`);
      }
    }
  });

  it('has none in its dialogues, at the login and while the box is away', async () => {
    furnish(1);
    const page = await t.open('queue', { reducedMotion: 'reduce' });
    await page.getByRole('button', { name: 'More: Lanterns' }).click();
    assert.deepEqual(await violations(page), [], 'menu');
    await page.getByRole('button', { name: 'Add to a playlist…' }).click();
    await page.getByRole('button', { name: 'New playlist…' }).click();
    assert.deepEqual(await violations(page), [], 'question');
    await page.keyboard.press('Escape');
    await t.go(page, 'now');
    await page.getByRole('button', { name: 'Playback' }).click();
    assert.deepEqual(await violations(page), [], 'sheet');
    await page.keyboard.press('Escape');
    await t.fake.stop();
    await page.getByText('The box is not reachable.').waitFor();
    await page.locator('main').getByRole('button', { name: 'Next' }).click();
    await page.locator('.toast').waitFor();
    assert.deepEqual(await violations(page), [], 'away');
    const { startFakeBox } = await import('./fake-box/server.mjs');
    t.fake = await startFakeBox();
    const stranger = await t.blank({ reducedMotion: 'reduce' });
    await stranger.goto(t.fake.url);
    await stranger.getByLabel('Code').waitFor();
    assert.deepEqual(await violations(stranger), [], 'login');
    t.forgive();
  });

  it('can be used by keyboard alone, from the login to another song', async () => {
    furnish(1);
    const page = await t.blank();
    const { CODE } = await import('./fake-box/server.mjs');
    await page.goto(t.fake.url);
    await page.getByLabel('Code').waitFor();
    await page.keyboard.type(CODE);
    await page.keyboard.press('Enter');
    await page.waitForSelector('.app');
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent?.trim() ?? '');
    const tabTo = async (/** @type {RegExp} */ name) => {
      for (let press = 0; press < 60; press += 1) {
        await page.keyboard.press('Tab');
        if (name.test(await focused())) return;
      }
      assert.fail(`the Tab key never came to ${name}`);
    };
    await tabTo(/^Skip to the content$/);
    await tabTo(/^Queue$/);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: /^Play Lanterns/ }).waitFor();
    assert.match(await focused(), /^Queue/, 'the heading of the new view has the focus');
    await tabTo(/^Move First Light/);
    await page.keyboard.press('Tab');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await until(() => t.box.state.player.song?.title === 'Lanterns');
    await tabTo(/^Volume$/);
    await page.keyboard.press('ArrowDown');
    await t.carried('audio.set_volume', ({ volume }) => volume === 61);
  });

  it('moves nothing by itself where that is asked for', async () => {
    t.play();
    const page = await t.open('queue', { reducedMotion: 'reduce' });
    await page.locator('.row.current').waitFor();
    assert.equal(await page.evaluate(() => document.getAnimations().filter(({ effect, playState }) => playState === 'running' && effect?.getTiming().iterations === Infinity).length), 0);
  });
});
