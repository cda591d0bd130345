import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { harness, until } from './support/harness.mjs';

describe('playlists', () => {
  const t = harness();
  const fill = () => t.box.playlists.set('Cooking', t.box.library.slice(0, 5).map(({ file }) => file));

  it('plays one', async () => {
    fill();
    const page = await t.open('playlists');
    await page.getByRole('button', { name: 'Play: Cooking' }).click();
    assert.deepEqual(await t.carried('player.play_playlist'), { playlist: 'Cooking' });
    await page.locator('.player-bar').getByText('First Light on the Quay').waitFor();
  });

  it('creates, renames and deletes', async () => {
    const page = await t.open('playlists');
    await page.getByText('There are no playlists yet.').waitFor();
    await page.getByRole('button', { name: 'New' }).click();
    await page.getByLabel('Name').fill('Rain');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Rain' }).waitFor();
    await page.getByRole('button', { name: 'More for Rain' }).click();
    await page.getByRole('button', { name: 'Rename…' }).click();
    await page.getByLabel('New name').fill('Drizzle');
    await page.keyboard.press('Enter');
    await page.getByRole('link', { name: /Drizzle/ }).waitFor();
    await page.getByRole('button', { name: 'More: Drizzle' }).click();
    await page.getByRole('button', { name: 'Delete…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
    await page.getByText('There are no playlists yet.').waitFor();
    assert.equal(t.box.playlists.size, 0);
  });

  it('changes the order, and removes songs', async () => {
    fill();
    const page = await t.open('playlists/Cooking');
    await page.getByRole('button', { name: 'Move First Light on the Quay' }).focus();
    await page.keyboard.press('Alt+ArrowDown');
    assert.deepEqual(await t.carried('player.reorder_track'), { from_index: 0, to_index: 1, playlist: 'Cooking' });
    await until(async () => (await page.locator('[data-index="0"] .title').textContent()) === 'Salt & Amber');
    await page.getByRole('button', { name: 'Remove: Lanterns' }).click();
    assert.deepEqual(await t.carried('player.remove_track'), { track_index: 2, playlist: 'Cooking' });
    await until(async () => (await page.locator('.windowed .row').count()) === 4);
    await page.getByRole('button', { name: /^Play Undertow/ }).click();
    await until(() => t.box.state.player.song?.title === 'Undertow');
  });

  it('says so when a playlist is not there', async () => {
    const page = await t.open('playlists/Gone');
    await page.locator('.toast').getByText('There is no playlist called Gone').waitFor();
  });
});
