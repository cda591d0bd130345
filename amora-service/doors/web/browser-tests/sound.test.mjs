import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Refusal } from './fake-box/model.mjs';
import { harness, until } from './support/harness.mjs';

describe('sound', () => {
  const t = harness();

  it('shows the level in a picture and in words, and asks for it only while it is shown', async () => {
    const page = await t.open('sound');
    await page.getByText(/^Left −?\d+\.\d dB$/).waitFor();
    const lit = () => page.locator('canvas.meter').evaluate((element) => {
      const canvas = /** @type {HTMLCanvasElement} */ (element);
      const pixels = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
      return pixels.filter((value, index) => index % 4 === 3 && value > 200).length;
    });
    await until(async () => (await lit()) > 500, 'the meter is dark');
    /** @type {string[]} */
    const asked = [];
    page.on('websocket', (socket) => socket.on('framesent', ({ payload }) => asked.push(String(payload))));
    t.fake.cut();
    await until(() => asked.some((text) => text.includes('"subscribe":["levels"]')), 'not asked for again after a reconnect');
    await t.go(page, 'box');
    await until(() => asked.some((text) => text.includes('"unsubscribe":["levels"]')), 'still asked for');
    t.forgive();
  });

  it('switches outputs and exclusive mode, and springs back when refused', async () => {
    const page = await t.open('sound');
    await page.getByRole('switch', { name: /Bit-perfect/ }).check();
    assert.deepEqual(await t.carried('player.set_output'), { id: 1, enabled: true });
    await page.getByRole('switch', { name: /Exclusive/ }).check();
    await page.getByText('The player has the card now.').waitFor();
    t.box.refusals.set('audio.set_exclusive', new Refusal('conflict', 'a chime is sounding'));
    await page.getByRole('switch', { name: /Exclusive/ }).press('Space');
    await page.locator('.toast').getByText('A chime is sounding').waitFor();
    assert.equal(await page.getByRole('switch', { name: /Exclusive/ }).isChecked(), true);
  });

  it('plays chimes and tests the sound', async () => {
    const page = await t.open('sound');
    await page.getByRole('button', { name: 'Attention' }).click();
    assert.deepEqual(await t.carried('audio.chime'), { chime: 'attention' });
    await page.getByRole('button', { name: 'Test the sound' }).click();
    await page.getByText('Passed: the box heard itself.').waitFor();
    assert.equal(await page.getByRole('row', { name: /left.*1000\.1 Hz.*9 ms.*pass/ }).count(), 1);
  });

  it('says so where there is no sound engine', async () => {
    Reflect.deleteProperty(t.box.state, 'audio');
    const page = await t.open('sound');
    await page.getByText('This box has no sound engine').waitFor();
    assert.equal(await page.getByRole('slider', { name: 'Volume' }).isDisabled(), true);
  });
});
