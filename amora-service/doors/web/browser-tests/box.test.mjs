import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { harness, until } from './support/harness.mjs';

describe('box', () => {
  const t = harness();

  it('says how each part is, why, and what to do', async () => {
    const page = await t.open('box');
    t.box.state.system.health.mqtt = { condition: 'degraded', cause: 'The broker refuses the connection.', next_step: 'Check that mosquitto runs.', since: Date.now() - 95_000 };
    t.box.changed('system');
    const part = page.locator('.part', { hasText: 'mqtt' });
    await part.getByText('The broker refuses the connection.').waitFor();
    await part.getByText('Check that mosquitto runs.').waitFor();
    await page.locator('.rail .badge').waitFor();
    await page.getByText('Trying again for 1 minute').waitFor();
  });

  it('shows the card, the counters and where the API is described', async () => {
    const page = await t.open('box');
    await page.getByText('IQaudio DAC+').waitFor();
    await page.getByText('240 frames (5.0 ms)').waitFor();
    await page.getByText('12.4 ppm').waitFor();
    assert.match(String(await page.getByRole('img', { name: /Time taken per period/ }).getAttribute('aria-label')), /up to 20 microseconds 61\.\d %/);
    assert.equal(await page.getByRole('link', { name: 'API documentation' }).getAttribute('href'), '/api/docs');
  });

  it('changes the colours, keeps the choice, and follows the system otherwise', async () => {
    const page = await t.open('box');
    const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
    assert.equal(await theme(), 'light');
    await page.locator('main').getByRole('button', { name: 'Dark colours' }).click();
    assert.equal(await theme(), 'dark');
    await page.reload();
    await page.waitForSelector('.app');
    assert.equal(await theme(), 'dark');
    await page.locator('.rail').getByRole('button', { name: 'Light colours' }).click();
    await page.emulateMedia({ colorScheme: 'dark' });
    await until(async () => (await theme()) === 'dark', 'the system is not followed');
  });
});
