import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Refusal } from './fake-box/model.mjs';
import { CODE } from './fake-box/server.mjs';
import { harness, until } from './support/harness.mjs';
import { hear, tones } from './support/hearing.mjs';

describe('what the talk view shows of sound', () => {
  const t = harness();
  /** @param {import('playwright-core').Page} page @param {string} name */
  const card = (page, name) => page.getByRole('region', { name, exact: true });

  it('closes the microphone and shows it, and only what the box says', async () => {
    t.box.setVoice();
    const page = await t.open('talk');
    const stop = hear(t.fake, tones(0.1, 0.05));
    try {
      const mute = page.getByRole('button', { name: 'Mute the microphone' });
      const sent = page.getByRole('group', { name: 'Sent to the hub' });
      await sent.getByText('−29.0 dB').waitFor();
      await mute.click();
      assert.deepEqual(await t.carried('voice.mute'), { mute: true });
      await page.getByText('The microphone is closed: nothing is sent.').waitFor();
      assert.equal(await mute.getAttribute('aria-pressed'), 'true');
      await sent.getByText('closed').waitFor();
      await mute.click();
      await until(() => t.box.state.voice?.mute === false);
      await page.getByText('The microphone is open: the hub hears the room.').waitFor();
      t.box.refusals.set('voice.mute', new Refusal('unavailable', 'the voice desk is starting'));
      await mute.click();
      await page.locator('.toast').getByText('The voice desk is starting').waitFor();
      assert.equal(await mute.getAttribute('aria-pressed'), 'false');
      t.box.setVoice({ link: 'waiting', cause: 'it is gone' });
      await sent.getByText('no call').waitFor();
    } finally {
      stop();
    }
  });

  it('shows what is heard before and after cancelling, and how much echo was removed, in words and in a picture', async () => {
    t.box.setVoice();
    const page = await t.open('talk');
    const stop = hear(t.fake, tones(0.1, 0.001));
    try {
      const heard = card(page, 'What is heard');
      await heard.getByRole('group', { name: 'Microphone' }).getByText('−23.0 dB').waitFor();
      await heard.getByRole('group', { name: 'Sent to the hub' }).getByText('−63.0 dB').waitFor();
      await heard.getByText('While the box sounded alone, 40 dB of its echo were removed. The microphone heard −23 dB, of which −63 dB was left.').waitFor();
      // Where each colour is, in parts of the height: the levels lie where their decibels are.
      const places = () => page.locator('canvas.plot').evaluate((element) => {
        const canvas = /** @type {HTMLCanvasElement} */ (element);
        const style = getComputedStyle(canvas);
        const probe = /** @type {CanvasRenderingContext2D} */ (document.createElement('canvas').getContext('2d', { willReadFrequently: true }));
        const rgb = (/** @type {string} */ name) => {
          probe.fillStyle = style.getPropertyValue(name);
          probe.fillRect(0, 0, 1, 1);
          return [...probe.getImageData(0, 0, 1, 1).data].slice(0, 3);
        };
        const { data, width, height } = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d')).getImageData(0, 0, canvas.width, canvas.height);
        const x = width - Math.round(20 * devicePixelRatio);
        return Object.fromEntries(['--plot-microphone', '--plot-hub', '--good'].map((name) => {
          const colour = rgb(name);
          const away = Array.from({ length: height }, (_, row) => Math.max(...colour.map((part, index) => Math.abs(data[4 * (row * width + x) + index] - part))));
          const nearest = Math.min(...away);
          return [name, nearest < 50 ? away.indexOf(nearest) / height : null];
        }));
      });
      const found = await until(async () => {
        const all = await places();
        return Object.values(all).every((place) => place !== null) ? all : null;
      }, 'the picture has no lines');
      const height = 330;
      const above = (height - 66) * 0.62;
      const at = (/** @type {number} */ level) => (20 + (above * -level) / 90) / height;
      assert.ok(Math.abs(Number(found['--plot-microphone']) - at(-23)) < 0.02, `microphone at ${found['--plot-microphone']}`);
      assert.ok(Math.abs(Number(found['--plot-hub']) - at(-63)) < 0.02, `hub at ${found['--plot-hub']}`);
      const below = 20 + above + 26 + ((height - 66) * 0.38 * (60 - 40)) / 60;
      assert.ok(Math.abs(Number(found['--good']) - below / height) < 0.02, `removed at ${found['--good']}`);
    } finally {
      stop();
    }
  });

  it('takes nothing for echo while somebody speaks, or while the box is silent', async () => {
    t.box.setVoice({ barge_in: true });
    const page = await t.open('talk');
    const stop = hear(t.fake, tones(0.1, 0.08));
    try {
      await card(page, 'Call').getByText('Somebody is speaking').waitFor();
      await page.getByText('The box did not sound alone, so that no echo could be measured. The microphone heard −23 dB').waitFor();
      t.box.state.audio.mixer.active = [];
      t.box.setVoice({ barge_in: false });
      await page.waitForTimeout(3000);
      assert.equal(await page.getByText('The box did not sound alone').count(), 1);
      t.box.state.audio.mixer.active = ['music'];
      t.box.setVoice();
      await page.getByText('While the box sounded alone, 2 dB of its echo were removed.').waitFor();
    } finally {
      stop();
    }
  });

  it('tells what its history is worth: gaps, silence and the end of the half minute', async () => {
    const page = await t.open();
    const result = await page.evaluate(async () => {
      const { History } = await import(/** @type {string} */ ('/scripts/talk/history.js'));
      const history = new History();
      const quiet = { sounding: false, speaking: false, muted: false };
      const block = (/** @type {number} */ value) => new Int16Array(960).fill(value);
      const before = [history.removed, history.range('hub')];
      let now = 1000;
      // Blocks come in bunches of ten, as over a busy network.
      for (let index = 0; index < 4000; index += 1) {
        if (index % 10 === 0) now += 100;
        history.push(block(index < 200 ? 0 : 3277), now, quiet);
      }
      const { points } = history;
      const steps = points.slice(1).map((/** @type {any} */ point, /** @type {number} */ index) => point.time - points[index].time);
      const steady = [points.length, Math.min(...steps), Math.max(...steps), points.filter((/** @type {any} */ { gap }) => gap).length, history.range('microphone')];
      const gaps = () => history.points.filter((/** @type {any} */ { gap }) => gap).length;
      // The network pauses, and everything comes at once: nothing was lost.
      now += 2000;
      for (let index = 0; index < 200; index += 1) history.push(block(3277), now, quiet);
      for (let index = 0; index < 300; index += 1) history.push(block(3277), (now += 10), quiet);
      const bunch = [gaps(), history.points.every((/** @type {any} */ { time }, /** @type {number} */ index) => index === 0 || time > history.points[index - 1].time), now - history.points.at(-1).time];
      // The box had no sound for a while.
      now += 5000;
      for (let index = 0; index < 300; index += 1) history.push(block(0), (now += 10), { ...quiet, sounding: true });
      return { before, steady, bunch, gap: gaps(), late: now - history.points.at(-1).time, silent: history.range('hub').least, removed: history.removed };
    });
    assert.deepEqual(result.before, [null, null]);
    const [count, least, most, gaps, range] = result.steady;
    assert.ok(count >= 299 && count <= 303, `${count} points`);
    assert.ok(least > 80 && most < 120, `${least} to ${most} ms apart`);
    assert.equal(gaps, 0);
    assert.ok(Math.abs(range.least + 20) < 0.1 && Math.abs(range.most + 20) < 0.1, 'what is older than half a minute is forgotten');
    assert.deepEqual(result.bunch.slice(0, 2), [0, true]);
    assert.ok(Math.abs(result.bunch[2]) < 200, `${result.bunch[2]} ms late after a bunch`);
    assert.deepEqual([result.gap, result.silent, result.removed], [1, -100, null]);
    assert.ok(Math.abs(result.late) < 200, `${result.late} ms late after a gap`);
  });

  it('says why nothing is heard, and tries again', async () => {
    t.box.setVoice();
    const page = await t.open('talk');
    await until(() => t.fake.hearing === 1);
    t.fake.stopHearing('this box does not hear: it has no voice desk');
    await page.getByText('This box does not hear: it has no voice desk.').waitFor();
    await until(() => t.fake.hearing === 1, 'it does not try again');
    t.fake.cut();
    await page.getByText('The sound stopped coming. Trying again…').waitFor();
    await until(() => t.fake.hearing === 1, 'it does not come back');
    t.forgive();
  });

  it('draws no more than once a second where motion is not wanted', async () => {
    t.box.setVoice();
    const page = await t.blank({ reducedMotion: 'reduce' });
    await page.addInitScript(() => {
      const fillText = CanvasRenderingContext2D.prototype.fillText;
      CanvasRenderingContext2D.prototype.fillText = function (/** @type {any[]} */ ...what) {
        if (what[0] === 'now') Reflect.set(window, 'drawn', [...(Reflect.get(window, 'drawn') ?? []), performance.now()]);
        return Reflect.apply(fillText, this, what);
      };
    });
    await page.goto(`${t.fake.url}/#code=${CODE}`);
    await page.waitForSelector('.app');
    await t.go(page, 'talk');
    const stop = hear(t.fake, tones(0.1, 0.01));
    try {
      const drawn = await until(() => page.evaluate(() => (Reflect.get(window, 'drawn')?.length >= 4 ? Reflect.get(window, 'drawn') : null)));
      for (let index = 1; index < drawn.length; index += 1) assert.ok(drawn[index] - drawn[index - 1] > 950, `${drawn[index] - drawn[index - 1]} ms apart`);
    } finally {
      stop();
    }
  });
});
