import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { harness, until } from './support/harness.mjs';

describe('library', () => {
  const t = harness();

  it('shows albums with their covers, and plays one', async () => {
    const page = await t.open('library');
    await page.getByRole('link', { name: /Northern Rooms/ }).click();
    await page.getByRole('heading', { name: 'Northern Rooms' }).waitFor();
    await page.locator('.windowed .row').nth(5).waitFor();
    assert.equal(await page.locator('.windowed .row').count(), 6);
    await page.locator('main').getByRole('button', { name: 'Play', exact: true }).click();
    await until(() => t.box.queue.length === 6);
    assert.equal(t.box.state.player.song?.title, 'Birch');
    assert.deepEqual(await t.carried('player.queue_find'), { filters: [{ tag: 'album', value: 'Northern Rooms' }], play: true });
  });

  it('goes from an artist to what they made', async () => {
    const page = await t.open('library/artists');
    await page.getByRole('link', { name: 'Yuki Arata' }).click();
    await page.getByRole('heading', { name: 'Yuki Arata' }).waitFor();
    await page.getByRole('link', { name: /Glass Garden/ }).first().waitFor();
    await page.getByRole('button', { name: 'Queue', exact: true }).click();
    await until(() => t.box.queue.length === 5);
    assert.deepEqual(await t.carried('player.queue_find'), { filters: [{ tag: 'artist', value: 'Yuki Arata' }] });
    assert.equal(t.box.log.filter(({ command }) => command === 'player.queue_add').length, 0);
  });

  it('browses folders, and adds one', async () => {
    const page = await t.open('library/folders');
    await page.getByRole('link', { name: 'Paper Lions' }).click();
    await page.getByRole('button', { name: 'Add to the queue: Folded' }).click();
    assert.deepEqual(await t.carried('player.queue_add'), { uri: 'Paper Lions/Folded' });
    await page.getByRole('link', { name: 'Folded' }).click();
    await page.getByRole('button', { name: /^Play Origami Hearts/ }).waitFor();
    await page.getByRole('navigation', { name: 'Folder' }).getByRole('link', { name: 'Music' }).click();
    await page.getByRole('link', { name: 'Lumen' }).waitFor();
  });

  it('searches while one types, once for each pause, and keeps the focus', async () => {
    const page = await t.open('library');
    await page.getByLabel('Search the library').pressSequentially('noct rain', { delay: 15 });
    await page.getByRole('button', { name: /^Play Nocturne in the Rain/ }).waitFor();
    await page.getByText('1 song', { exact: true }).waitFor();
    const searches = t.box.log.filter(({ command }) => command === 'player.search');
    assert.equal(searches.at(-1)?.params.query, 'noct rain');
    assert.ok(searches.length <= 3, `${searches.length} searches for nine letters`);
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('aria-label')), 'Search the library');
    await page.getByLabel('Search the library').fill('nothing like this');
    await page.getByText('Nothing was found for “nothing like this”.').waitFor();
    await page.getByLabel('Search the library').fill('');
    await page.getByRole('link', { name: /Northern Rooms/ }).waitFor();
  });

  it('plays a song now, next or at the end', async () => {
    t.play(2);
    const page = await t.open('library/search/Koi');
    const more = page.getByRole('button', { name: 'More: Koi' });
    const choose = async (/** @type {string} */ name) => {
      await more.click();
      await page.getByRole('dialog').getByRole('button', { name }).click();
    };
    await choose('Play next');
    assert.deepEqual((await t.carried('player.queue_add')).position, 3);
    await choose('Add to the queue');
    await t.carried('player.queue_add', ({ position }) => position === undefined);
    await choose('Play now');
    await until(() => t.box.state.player.song?.title === 'Koi');
    assert.equal(t.box.queue.length, 53, 'the queue was kept');
  });

  it('puts a song into a new playlist', async () => {
    const page = await t.open('library/search/Koi');
    await page.getByRole('button', { name: 'More: Koi' }).click();
    await page.getByRole('button', { name: 'Add to a playlist…' }).click();
    await page.getByRole('button', { name: 'New playlist…' }).click();
    await page.getByLabel('Name').fill('Pond');
    await page.keyboard.press('Enter');
    await until(() => t.box.playlists.get('Pond')?.[0].endsWith('Koi.flac'));
  });

  it('shows favourites', async () => {
    t.box.favourites.add(t.box.library[8].file);
    const page = await t.open('library/favourites');
    await page.getByRole('button', { name: new RegExp(`^Play ${t.box.library[8].title}`) }).waitFor();
  });

  it('scans, and shows how far it is', async () => {
    const page = await t.open('library');
    await page.getByRole('button', { name: 'Update' }).click();
    await page.getByText('Scanning… 17 songs so far').waitFor();
    assert.equal(await page.getByRole('progressbar', { name: 'Scanning the library' }).isVisible(), true);
    assert.equal(await page.getByRole('button', { name: 'Update' }).isDisabled(), true);
  });
});
