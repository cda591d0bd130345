/**
 * The core of what people do, on a real box: the service, MPD and its library. `AMORA_URL` says where it is, `AMORA_CODE` how to log in.
 * It changes the queue and the volume, and leaves one playlist fewer than it made.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { AmoraClient } from '../../../../amora-client/src/index.js';
import { violations } from './support/axe.mjs';
import { openBrowser, PHONE } from './support/browser.mjs';
import { addEar } from './support/ear.mjs';
import { PATIENCE, until } from './support/harness.mjs';

const { AMORA_URL: url = '', AMORA_CODE: code = '' } = process.env;
const VIEWS = ['now', 'queue', 'library', 'library/artists', 'library/folders', 'playlists', 'sound', 'talk', 'box', 'box/cloud', 'box/system'];

describe('a real box', { skip: url && code ? false : 'AMORA_URL and AMORA_CODE say which' }, () => {
  /** @type {Awaited<ReturnType<typeof openBrowser>>} */
  let browser;
  /** @type {import('playwright-core').Page} */
  let page;
  /** @type {AmoraClient} */
  let box;
  /** @type {string[]} */
  const complaints = [];
  const go = async (/** @type {string} */ view) => {
    await page.evaluate((to) => {
      location.hash = `#/${to}`;
    }, view);
    await page.waitForSelector(`.app[data-view="${view.split('/')[0]}"]`);
  };
  const player = () => /** @type {NonNullable<NonNullable<AmoraClient['state']>['player']>} */ (box.state?.player);

  before(async () => {
    box = new AmoraClient({ url, code });
    await box.connect();
    await box.player.queueClear();
    browser = await openBrowser();
    const context = await browser.open({ reducedMotion: 'reduce' });
    page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    await addEar(page);
    page.on('pageerror', (error) => complaints.push(error.message));
    // A song without a cover answers 404, which the browser notes by itself.
    page.on('console', (message) => message.type() === 'error' && !message.location().url.includes('/api/cover') && complaints.push(message.text()));
    await page.goto(`${url}/#code=${code}`);
    await page.waitForSelector('.app');
  });
  after(async () => {
    await box.player.stop();
    box.close();
    await browser.close();
  });

  it('keeps the code out of the address', () => assert.ok(!page.url().includes(code)));

  it('plays an album, and the time runs', async () => {
    await go('library/albums');
    await page.locator('.tile').first().click();
    await page.locator('main').getByRole('button', { name: 'Play', exact: true }).click();
    await until(() => player().state === 'play' && player().song);
    await go('now');
    await page.getByRole('heading', { level: 1, name: player().song?.title, exact: true }).waitFor();
    const elapsed = page.locator('.now .seek span').first();
    const first = await elapsed.textContent();
    await until(async () => (await elapsed.textContent()) !== first, 'the time stands still');
  });

  it('pauses, goes on and goes to the next song', async () => {
    const main = page.locator('main');
    await main.getByRole('button', { name: 'Pause' }).click();
    await until(() => player().state === 'pause');
    await main.getByRole('button', { name: 'Play', exact: true }).click();
    await until(() => player().state === 'play');
    if (player().queue_length < 2) return;
    const { file } = player().song ?? {};
    await main.getByRole('button', { name: 'Next' }).click();
    await until(() => player().song?.file !== file);
  });

  it('changes the volume and hears of changes elsewhere', async () => {
    const slider = page.getByRole('slider', { name: 'Volume' });
    await box.audio.setVolume({ volume: 50 });
    await until(async () => (await slider.inputValue()) === '50');
    await slider.press('ArrowUp');
    await until(() => box.state?.audio?.volume === 51);
    await page.getByRole('button', { name: 'Mute' }).click();
    await until(() => box.state?.audio?.mute === true);
    await page.getByRole('button', { name: 'Mute' }).click();
    await until(() => box.state?.audio?.mute === false);
  });

  it('searches, adds, moves and removes', async () => {
    const { folders } = await box.player.browse();
    await box.player.queueAdd({ uri: folders[0] });
    await until(() => player().queue_length >= 3);
    await go('queue');
    const { songs } = await box.player.getQueue({ start: 0, limit: 2 });
    const row = page.locator('[data-index="0"] [data-control="grip"]');
    await row.focus();
    await page.keyboard.press('Alt+ArrowDown');
    await until(async () => (await box.player.getQueue({ start: 1, limit: 1 })).songs[0].id === songs[0].id);
    const length = player().queue_length;
    await page.locator('[data-index="1"] [data-control="action-1"]').click();
    await until(() => player().queue_length === length - 1);
    await go('library');
    const word = songs[1].title.split(/\W+/).find((part) => part.length > 3) ?? songs[1].title;
    await page.getByLabel('Search the library').fill(word);
    await page.locator('.windowed .title').filter({ hasText: songs[1].title }).first().waitFor();
  });

  it('saves the queue, opens the playlist and deletes it', async () => {
    const name = `Page test ${Date.now()}`;
    await go('queue');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByLabel('Name of the playlist').fill(name);
    await page.keyboard.press('Enter');
    await until(async () => (await box.player.getPlaylists()).playlists.some((each) => each.name === name));
    await go('playlists');
    await page.getByRole('link', { name }).click();
    await page.getByRole('button', { name: `More for ${name}` }).click();
    await page.getByRole('button', { name: 'Delete…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
    await until(async () => !(await box.player.getPlaylists()).playlists.some((each) => each.name === name));
  });

  it('marks a favourite', async () => {
    await go('now');
    const heart = page.getByRole('button', { name: 'Favourite', exact: true });
    const before = player().song?.favourite === true;
    await heart.click();
    await until(() => (player().song?.favourite === true) !== before);
    await heart.click();
    await until(() => (player().song?.favourite === true) === before);
  });

  it('shows the level of what plays, and plays it here', async () => {
    await box.player.play();
    await go('sound');
    await page.getByText(/^Left −\d+\.\d dB$/).waitFor();
    await page.getByRole('button', { name: 'Listen here' }).click();
    await page.getByText('Playing here what the box plays.').waitFor();
    await until(() => page.evaluate(() => {
      const ear = /** @type {AnalyserNode} */ (Reflect.get(window, 'ear'));
      const wave = new Float32Array(ear.fftSize);
      ear.getFloatTimeDomainData(wave);
      return wave.some((value) => Math.abs(value) > 0.001);
    }), 'nothing is heard');
    await page.getByRole('button', { name: 'Stop listening' }).click();
  });

  it('hears who talks into its room, over its music', async (test) => {
    if (!box.state?.voice || box.state.audio?.card.kind !== 'room') return test.skip('it has no voice desk in a simulated room');
    await box.player.play();
    await go('talk');
    await page.getByRole('group', { name: 'Microphone' }).getByText(/^−\d+\.\d dB$/).waitFor();
    await page.getByRole('radio', { name: 'Sent to the hub' }).check({ force: true });
    await page.getByText('Playing here what the hub hears.').waitFor();
    const echo = page.getByText(/^Last 30 seconds: While the box sounded alone, \d+ dB of its echo were removed\./);
    await echo.waitFor();
    const loudest = () => page.evaluate(() => {
      const ear = /** @type {AnalyserNode} */ (Reflect.get(window, 'ear'));
      const wave = new Float32Array(ear.fftSize);
      ear.getFloatTimeDomainData(wave);
      return wave.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    });
    await page.getByRole('button', { name: /^A long talk/ }).click();
    await page.getByText('The box hears: A long talk.').waitFor();
    await until(async () => (await loudest()) > 0.1, 'the hub does not hear who talks');
    await page.getByText('What you say is heard there').waitFor();
    assert.equal(await page.getByText('were lost on the way').isVisible(), false);
    await page.getByRole('radio', { name: 'Off' }).check({ force: true });
  });

  it('chimes and tests its sound', async () => {
    await box.player.pause();
    await go('sound');
    await page.getByRole('button', { name: 'Ready' }).click();
    // While the chime sounds the box refuses, and says so.
    await until(async () => {
      await page.getByRole('button', { name: 'Test the sound' }).click();
      const outcome = page.locator('.verdict, :text("The test could not be made.")');
      await outcome.waitFor();
      return (await page.locator('.verdict').count()) === 1;
    });
    await page.locator('.verdict.pass').waitFor();
  });

  it('has no serious fault of accessibility, light and dark, large and small', async () => {
    for (const [colorScheme, viewport] of /** @type {const} */ ([['light', { width: 1280, height: 820 }], ['dark', PHONE]])) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.setViewportSize(viewport);
      for (const view of VIEWS) {
        await go(view);
        await until(async () => (await page.locator('.row.waiting').count()) === 0);
        await page.waitForTimeout(300);
        assert.deepEqual(await violations(page), [], view);
      }
    }
  });

  it('had nothing to complain about', () => assert.deepEqual(complaints, []));
});
