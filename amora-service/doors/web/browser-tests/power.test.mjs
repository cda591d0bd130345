import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Refusal } from './fake-box/model.mjs';
import { violations } from './support/axe.mjs';
import { PHONE } from './support/browser.mjs';
import { harness } from './support/harness.mjs';

describe('power', () => {
  const t = harness();
  const sent = (/** @type {string} */ command) => t.box.log.some((entry) => entry.command === command);

  it('asks before it restarts or switches off, and says afterwards where the box went', async () => {
    const page = await t.open('box/system');
    await page.getByRole('button', { name: 'Switch off' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Restart', exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Restart' }).click();
    await t.carried('box.restart');
    assert.equal(sent('box.power_off'), false);
    await page.getByRole('button', { name: 'Switch off' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Switch off' }).click();
    await t.carried('box.power_off');
    await t.fake.stop();
    await page.getByText('The box was switched off.').waitFor();
    const { startFakeBox } = await import('./fake-box/server.mjs');
    t.fake = await startFakeBox();
    t.forgive();
  });

  it('resets only after the id of the box was typed, and lists what goes and what stays', async () => {
    const page = await t.open('box/system', { viewport: PHONE, reducedMotion: 'reduce' });
    await page.getByRole('button', { name: 'Factory reset…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Factory reset' });
    await dialog.getByRole('list', { name: 'Forgotten' }).getByText('login code').waitFor();
    await dialog.getByRole('list', { name: 'Kept' }).getByText('installed system').waitFor();
    const button = dialog.getByRole('button', { name: 'Reset the box' });
    const id = dialog.getByLabel('To go on, type the id of this box: kitchen');
    assert.deepEqual(await violations(page), []);
    for (const wrong of ['', 'Kitchen', 'kitche', 'kitchens']) {
      await id.fill(wrong);
      await id.press('Enter');
      assert.equal(await button.isDisabled(), true, wrong);
    }
    assert.equal(sent('box.factory_reset'), false);
    t.box.refusals.set('box.factory_reset', new Refusal('unavailable', 'this computer is not an image of ours'));
    await id.fill('kitchen');
    await button.click();
    await dialog.getByRole('alert').getByText('This computer is not an image of ours.').waitFor();
    t.box.refusals.clear();
    await button.click();
    assert.deepEqual(await t.carried('box.factory_reset'), { confirm: 'kitchen' });
    await dialog.waitFor({ state: 'detached' });
    await page.locator('.toast').getByText('The box is being reset').waitFor();
  });
});
