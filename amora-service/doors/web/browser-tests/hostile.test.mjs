import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PHONE } from './support/browser.mjs';
import { harness } from './support/harness.mjs';

const MARKUP = '"><img src=x onerror="window.broken=1"><script>window.broken=1</script>';
const LONG = 'M'.repeat(3000);
const RIGHT_TO_LEFT = 'שלום עולם \u202E gnihton';

describe('hostile tags', () => {
  const t = harness();

  it('are text, whatever they hold, in every view', async () => {
    const album = `${MARKUP}/../..#?%`;
    t.box.library.push({ file: `${MARKUP}/a.flac`, title: MARKUP, artist: MARKUP, album, duration: 100 }, { file: 'long.flac', title: LONG, artist: LONG, album: LONG, duration: 9e9 }, { file: 'rtl.flac', title: RIGHT_TO_LEFT, artist: 'javascript:alert(1)', album: RIGHT_TO_LEFT, duration: -1 });
    t.box.playlists.set(MARKUP, [`${MARKUP}/a.flac`]);
    t.box.state.system.name = MARKUP;
    t.box.state.system.health.web.cause = MARKUP;
    t.box.favourites.add(`${MARKUP}/a.flac`);
    t.box.enqueue(t.box.library.slice(-3));
    t.box.playAt(0);
    const page = await t.open();
    const views = ['now', 'queue', 'library', `library/albums/${encodeURIComponent(album)}`, 'library/artists', `library/artists/${encodeURIComponent(MARKUP)}`, 'library/folders', `library/folders/${encodeURIComponent(MARKUP)}`, 'library/favourites', `library/search/${encodeURIComponent('onerror')}`, 'playlists', `playlists/${encodeURIComponent(MARKUP)}`, 'sound', 'talk', 'box', 'constructor', '%E0%A4%A'];
    for (const view of views) {
      await page.evaluate((to) => {
        location.hash = `#/${to}`;
      }, view);
      await page.waitForTimeout(150);
      assert.equal(await page.evaluate(() => Reflect.get(window, 'broken')), undefined, view);
      assert.equal(await page.locator('img[src="x"], main script').count(), 0, view);
    }
    await t.go(page, 'queue');
    await page.locator('.windowed').getByText(MARKUP, { exact: true }).waitFor();
    // The covers of songs that are not there are missing: that is no complaint of the page's own.
    t.forgive();
  });

  it('do not make a phone scroll sideways', async () => {
    t.box.enqueue([{ file: 'long.flac', title: LONG, artist: LONG, album: LONG, duration: 10 }]);
    t.box.playlists.set(LONG, []);
    t.box.playAt(0);
    const page = await t.open('now', { viewport: PHONE });
    for (const view of ['now', 'queue', 'playlists', `playlists/${LONG}`, 'library', 'sound', 'talk', 'box']) {
      await t.go(page, view);
      await page.waitForTimeout(100);
      const { wide, room } = await page.evaluate(() => ({ wide: document.querySelector('main')?.scrollWidth ?? 0, room: document.querySelector('main')?.clientWidth ?? 0 }));
      assert.ok(wide <= room + 1, `${view}: ${wide} in ${room}`);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${view}: the page is too wide`);
    }
    t.forgive();
  });
});
