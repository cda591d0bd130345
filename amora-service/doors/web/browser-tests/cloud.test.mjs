import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assertFaultless } from './support/axe.mjs';
import { harness } from './support/harness.mjs';

describe('cloud', () => {
  const t = harness();
  /** @param {import('playwright-core').Page} page */
  const card = (page, /** @type {string} */ name) => page.getByRole('region', { name, exact: true });
  const REFUSED = { link: /** @type {const} */ ('waiting'), cause: "fleet-west.azure-devices.net does not accept this device's identity", next_step: "check that the device exists and is enabled, its key, and this box's clock" };
  const RECEIVED = [{ at: Date.now() - 60_000, name: 'setVolume', status: 200 }, { at: Date.now() - 200_000, name: 'reboot', status: 403 }, { at: Date.now() - 90_000_000, name: 'syncContent', status: 202 }];

  it('says that a box has no cloud, and how it gets one', async () => {
    const page = await t.open('box');
    await page.getByRole('link', { name: 'Cloud' }).click();
    await page.getByRole('heading', { name: 'Cloud', level: 1 }).waitFor();
    await card(page, 'Azure IoT Hub').getByText('This box is connected to no cloud, and needs none.').waitFor();
    await card(page, 'Azure IoT Hub').getByText('[iot_hub]').waitFor();
    for (const name of ['Messages to the cloud', 'Asked by the cloud', 'Update']) assert.equal(await card(page, name).count(), 0, name);
  });

  it('says where it is connected, since when, and what went over the line', async () => {
    t.box.setCloud({ received: RECEIVED });
    const page = await t.open('box/cloud');
    const hub = card(page, 'Azure IoT Hub');
    await hub.getByRole('heading', { name: 'Connected', exact: true }).waitFor();
    await hub.getByText('for 2 hours 14 minutes').waitFor();
    assert.deepEqual(await hub.locator('dd').allTextContents(), ['fleet-west.azure-devices.net', 'kitchen', '3 times since the start', 'version 12 obeyed']);
    const messages = card(page, 'Messages to the cloud');
    await messages.getByText('Nothing waits.').waitFor();
    assert.deepEqual(await messages.locator('dd').allTextContents(), ['0', '1,427', '0']);
    const asked = card(page, 'Asked by the cloud');
    assert.deepEqual(await asked.locator('h3').allTextContents(), ['setVolume', 'reboot', 'syncContent']);
    assert.deepEqual(await asked.locator('.more').allTextContents(), ['Done (200)', 'Not allowed (403)', 'Under way, its end is reported later (202)']);
    const yesterday = await page.evaluate((at) => new Date(at).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' }), RECEIVED[2].at);
    assert.equal(await asked.locator('.hushed').last().textContent(), yesterday);
    t.box.setCloud({ sent: 1428, received: [{ at: Date.now(), name: 'player.seek', status: 404 }, ...RECEIVED] });
    await messages.getByText('1,428').waitFor();
    await asked.getByText('There is no such thing (404)').waitFor();
  });

  it('says why there is no connection and what to do, through every attempt until there is one', async () => {
    t.box.setCloud({ link: 'starting', since: Date.now(), hub: null, device_id: null, connections: 0, desired_version: 0, sent: 0 });
    const page = await t.open('box/cloud');
    const hub = card(page, 'Azure IoT Hub');
    await hub.getByRole('heading', { name: 'Starting' }).waitFor();
    assert.equal(await hub.locator('.part').getAttribute('data-condition'), 'starting');
    await hub.getByText('no connection for less than a minute').waitFor();
    assert.deepEqual(await hub.locator('dd').allTextContents(), ['not known yet', 'not known yet', '0 times since the start', 'not read yet']);

    const since = Date.now() - 3 * 86_400_000 - 3_600_000;
    for (const [link, words] of /** @type {const} */ ([['waiting', 'Not connected, trying again'], ['connecting', 'Connecting'], ['provisioning', 'Asking which hub is ours']])) {
      t.box.setCloud({ ...REFUSED, link, since, waiting: 4320, dropped: 17, sent: 88 });
      await hub.getByRole('heading', { name: words, exact: true }).waitFor();
      await hub.getByText('no connection for 3 days 1 hour').waitFor();
      await hub.getByText("fleet-west.azure-devices.net does not accept this device's identity.").waitFor();
      await hub.getByText("Check that the device exists and is enabled, its key, and this box's clock.").waitFor();
      assert.equal(await hub.locator('.part').getAttribute('data-condition'), 'degraded');
    }
    const messages = card(page, 'Messages to the cloud');
    assert.deepEqual(await messages.locator('dd').allTextContents(), ['4,320', '88', '17']);
    await messages.getByText('What waits is kept, and sent once the hub is there again. Too many waited: the oldest were dropped.').waitFor();

    t.box.setCloud({ link: 'waiting_for_clock', cause: "this box's clock is wrong, so that it cannot sign in", next_step: 'it goes on by itself once the time service has set the clock: check the network and NTP' });
    await hub.getByRole('heading', { name: 'Waiting for the clock' }).waitFor();
    await hub.getByText('check the network and NTP').waitFor();
    t.box.setCloud({ since: Date.now() });
    await hub.getByText('All is well.').waitFor();
    assert.equal(await hub.locator('.part').getAttribute('data-condition'), 'ok');
  });

  it('says what a connection that stands lacks', async () => {
    t.box.state.system.health.iot_hub = { condition: 'degraded', cause: 'the hub does not let this box subscribe to twins', next_step: "check what the hub's tier allows", since: Date.now() };
    t.box.setCloud();
    const page = await t.open('box/cloud');
    const hub = card(page, 'Azure IoT Hub');
    await hub.getByText('The hub does not let this box subscribe to twins.').waitFor();
    assert.equal(await hub.locator('.part').getAttribute('data-condition'), 'degraded');
    t.box.state.system.health.iot_hub = { condition: 'ok', cause: '', next_step: '', since: Date.now() };
    t.box.changed('system');
    await hub.getByText('All is well.').waitFor();
    await t.go(page, 'box');
    await page.locator('.part', { hasText: 'Azure IoT Hub' }).waitFor();
  });

  it('shows an update that the cloud ordered on its way, and why it was taken back', async () => {
    t.box.setCloud();
    const page = await t.open('box/cloud');
    const update = card(page, 'Update');
    assert.equal(await update.count(), 0, 'there was none');
    t.box.updates.begin('device_update', { reference: 'b7c1' });
    t.box.updates.advance(61_000_000, 145_000_000);
    await update.getByText('1.5.0 is being installed in slot B').waitFor();
    await update.getByText('42 %, ordered by Device Update for IoT Hub').waitFor();
    assert.equal(await update.getByRole('progressbar').getAttribute('aria-valuenow'), '42');
    await update.getByRole('link', { name: 'All about updates' }).click();
    await card(page, 'Software').getByText('Ordered by Device Update for IoT Hub (b7c1).').waitFor();
    t.box.updates.end({ outcome: 'rolled_back', source: 'device_update', cause: 'check_failed', reason: 'the hub was not reached again', next_step: 'look at what changed in the network settings' });
    await t.go(page, 'box/cloud');
    await update.getByText('1.5.0 did not prove itself. The box went back to 1.4.2.').waitFor();
    await update.getByText('The hub was not reached again.').waitFor();
    await update.getByText('Look at what changed in the network settings.').waitFor();
    assert.equal(await update.getByRole('progressbar').count(), 0);
  });

  it('shows words of the cloud as words', async () => {
    t.box.setCloud({ link: 'waiting', cause: '<img src=x onerror=alert(1)>', received: [{ at: Date.now(), name: '<script>alert(1)</script>', status: 404 }, { at: 8.64e15 + 1, name: 'x'.repeat(300), status: 299 }] });
    const page = await t.open('box/cloud');
    await card(page, 'Azure IoT Hub').getByText('<img src=x onerror=alert(1)>.').waitFor();
    await card(page, 'Asked by the cloud').getByText('<script>alert(1)</script>').waitFor();
    assert.equal(await page.locator('main img').count(), 0);
  });

  it('has no serious fault in any state, on a phone and on a desk, light and dark', async () => {
    const page = await t.open('box/cloud', { reducedMotion: 'reduce' });
    /** @type {Array<[string, () => void]>} */
    const states = [
      ['needs none', () => {
        t.box.state.iot_hub = null;
        t.box.changed('iot_hub');
      }],
      ['Connecting', () => t.box.setCloud({ link: 'connecting' })],
      ['Done (200)', () => t.box.setCloud({ received: RECEIVED })],
      ['Failed (500)', () => t.box.setCloud({ ...REFUSED, waiting: 4_320_123, dropped: 17_456, sent: 1_234_567, received: [{ at: Date.now(), name: 'a'.repeat(120), status: 500 }] })],
      ['0 %', () => t.box.updates.begin('device_update')],
      ['44 %', () => t.box.updates.advance(4, 9)],
      ['Report it.', () => t.box.updates.end({ outcome: 'rolled_back', source: 'device_update', cause: 'panic', reason: 'the kernel panicked', next_step: 'report it' })],
    ];
    await assertFaultless(page, states);
  });
});
