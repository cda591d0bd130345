import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assertFaultless } from './support/axe.mjs';
import { PHONE } from './support/browser.mjs';
import { harness, until } from './support/harness.mjs';
import { hear, tones } from './support/hearing.mjs';

describe('the talk view', () => {
  const t = harness();
  /** @param {import('playwright-core').Page} page @param {string} name */
  const card = (page, name) => page.getByRole('region', { name, exact: true });

  it('is there only where the box has a voice desk, also when that changes', async () => {
    const page = await t.open('talk');
    await page.getByText('This box has no voice desk, and needs none.').waitFor();
    const link = page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name: 'Talk' });
    assert.equal(await link.count(), 0);
    t.box.setVoice();
    await link.waitFor();
    await card(page, 'Call').getByText('In a call.').waitFor();
    t.box.state.voice = null;
    t.box.changed('voice');
    await page.getByText('This box has no voice desk, and needs none.').waitFor();
    assert.equal(await link.count(), 0);
    await until(() => t.fake.hearing === 0, 'it still listens to a box that has no ears');
  });

  it('says how the call is, since when, to which hub, why not and what to do', async () => {
    t.box.setVoice();
    const page = await t.open('talk');
    const call = card(page, 'Call');
    await call.getByText('In a call.').waitFor();
    await call.getByText('The microphone is open: the hub hears the room.').waitFor();
    await call.getByText(/^For 2 hours 14 minutes, since .*\d/).waitFor();
    await call.getByText('Hub: http://hub.local:8080 · known there as kitchen').waitFor();
    assert.equal(await call.getByRole('button', { name: 'Call', exact: true }).count(), 0);

    t.box.state.system.health.voice = { condition: 'degraded', cause: 'x', next_step: 'check that the hub runs, and `voice.hub_url`', since: Date.now() };
    t.box.setVoice({ link: 'waiting', cause: 'the hub answered `500`: no model is loaded', since: Date.now() - 3_700_000 });
    t.box.changed('system');
    await call.getByText('No call, trying again.').waitFor();
    await call.getByText('Nothing is sent while there is no call.').waitFor();
    await call.getByText('no model is loaded').waitFor();
    await call.locator('strong').getByText('Check that the hub runs').waitFor();
    assert.deepEqual(await call.locator('code').allTextContents(), ['500', 'voice.hub_url'], 'what stands between backticks is code');

    await call.getByRole('button', { name: 'Call', exact: true }).click();
    await t.carried('voice.connect');
    await call.getByText('Calling.').waitFor();
    await call.getByRole('button', { name: 'Hang up' }).click();
    await t.carried('voice.disconnect');
    await call.getByText('No call.', { exact: true }).waitFor();
    await call.getByText('Nobody is called until somebody asks for it.').waitFor();
    assert.equal(await call.getByRole('button', { name: 'Hang up' }).count(), 0);
  });

  it('says that nothing is heard while the player has the card, and that the answers are not while the box is silent', async () => {
    t.box.setVoice();
    const page = await t.open('talk');
    const call = card(page, 'Call');
    await call.getByText('The microphone is open: the hub hears the room.').waitFor();
    /** @type {Array<[Partial<NonNullable<import('/client/state.d.ts').State['audio']>>, string]>} */
    const ways = [[{ mute: true }, 'The box is muted: its answers are not heard.'], [{ mute: false, volume: 0 }, 'The volume is at zero: its answers are not heard.'], [{ volume: 50, owner: 'player' }, 'The player has the sound card alone: the hub hears nothing.']];
    for (const [change, words] of ways) {
      Object.assign(t.box.state.audio, change);
      t.box.changed('audio');
      await call.getByText(words).waitFor();
    }
    assert.equal(await call.getByText('hears the room').count() + (await call.getByText('not heard').count()), 0);
    await card(page, 'What is heard').getByText('(exclusive mode): the box hears nothing until that ends.').waitFor();
    t.box.state.audio.owner = 'engine';
    t.box.changed('audio');
    await call.getByText('The microphone is open: the hub hears the room.').waitFor();
  });

  it('gives strangers nothing to hear and nothing to touch', async () => {
    t.box.setVoice();
    t.fake.control.openStatus = true;
    const page = await t.blank();
    await page.goto(t.fake.url);
    await page.waitForSelector('.app');
    await t.go(page, 'talk');
    await page.getByText('Log in to see what the box hears.').waitFor();
    await page.getByText('Log in to talk.').waitFor();
    await page.getByText('Log in to listen.').waitFor();
    for (const name of ['Hang up', 'Hold to talk', 'Open your microphone']) assert.equal(await page.getByRole('button', { name }).isDisabled(), true, name);
    assert.equal(t.fake.hearing, 0);
  });

  it('shows who cancels and why, and whatever a box may say, as text', async () => {
    t.box.setVoice();
    const page = await t.open('talk', { viewport: PHONE });
    const echo = card(page, 'Echo canceller');
    assert.deepEqual(await echo.locator('dd').allTextContents(), ["Kalman, the box's own", '38.4 dB', '4.2 ms', '−12.3 ppm', '3 %']);
    await echo.getByText('The card plays and records by one clock, and its loudspeaker bends nothing.').waitFor();
    t.box.setVoice({ echo: { engine: 'aec3', reason: 'the clocks differ', erle: null, delay_ms: null, drift: 0, double_talk: 0, gain: 4.5 } });
    await echo.getByText('The clocks differ.').waitFor();
    assert.deepEqual(await echo.locator('dd').allTextContents(), ['WebRTC AEC3', 'not known yet', 'not known yet', '0.0 ppm', '0 %', '4.5 dB']);
    t.box.setVoice({ echo: { engine: 'aec3', reason: 'aec3, because kalman took only 1 dB of the echo away', erle: 12, delay_ms: 5, drift: 0, double_talk: 0 } });
    await echo.getByText('Chosen because Kalman took only 1 dB of the echo away.').waitFor();
    t.box.setVoice({ echo: null });
    await echo.getByText('No canceller is at work').waitFor();
    const markup = '"><img src=x onerror="window.broken=1">';
    const long = 'M'.repeat(4000);
    const strange = /** @type {any} */ ([
      { echo: null },
      { echo: { engine: 'constructor', reason: markup, erle: null, delay_ms: null, drift: 'fast', double_talk: null } },
      { echo: { engine: long, reason: `${long} \`${long}\` \``, erle: 1e300, delay_ms: -1e9, drift: 1e-300, double_talk: 7 } },
      { link: 'waiting', cause: long, hub: long, device_id: long, since: 1e300, barge_in: true },
      { link: markup, cause: `${markup} \`${markup}\``, hub: markup, device_id: null, since: null, mute: null },
      { link: 'constructor', cause: null, hub: null, since: 'yesterday', echo: undefined, counters: null, queues: null },
    ]);
    for (const change of strange) {
      t.box.setVoice(change);
      t.fake.sendHeard(new Int16Array(960));
      t.fake.sendHeard(new Int16Array(2));
      t.fake.sendHeard(new Int16Array(1));
      await page.waitForTimeout(700);
      const wide = await page.evaluate(() => [document.querySelector('main')?.scrollWidth ?? 0, document.querySelector('main')?.clientWidth ?? 0]);
      assert.ok(wide[0] <= wide[1] + 1, `${JSON.stringify(change).slice(0, 60)}: ${wide[0]} in ${wide[1]}`);
      assert.equal(await page.evaluate(() => Reflect.get(window, 'broken')), undefined);
      assert.equal(await page.locator('main img').count(), 0);
    }
    assert.equal(await page.getByText('NaN').count() + (await page.getByText('undefined').count()) + (await page.getByText('null').count()), 0);
  });

  it('has no serious fault in any state, on a phone and on a desk, light and dark', async () => {
    t.box.setVoice();
    const page = await t.open('talk', { reducedMotion: 'reduce' });
    /** @type {Array<[string, () => void]>} */
    const states = [
      ['Somebody is speaking', () => t.box.setVoice({ link: 'connected', mute: false, barge_in: true, cause: '' })],
      ['The microphone is closed', () => t.box.setVoice({ barge_in: false, mute: true })],
      ['trying again', () => t.box.setVoice({ mute: false, link: 'waiting', cause: 'the hub at `http://hub.local:8080` does not answer' })],
    ];
    const stop = hear(t.fake, tones(0.1, 0.002));
    try {
      await assertFaultless(page, states);
    } finally {
      stop();
    }
  });
});
