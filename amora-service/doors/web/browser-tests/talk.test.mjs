import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { Refusal } from './fake-box/model.mjs';
import { CODE } from './fake-box/server.mjs';
import { violations } from './support/axe.mjs';
import { DESKTOP, PHONE } from './support/browser.mjs';
import { addEar } from './support/ear.mjs';
import { harness, until } from './support/harness.mjs';
import { amplitudeAt, toneBlock, toneFile, twoTones } from './support/tone.mjs';

/** What the browser's microphone hears, and the room's, before and after cancelling. */
const MOUTH = 640;
const BEFORE = 700;
const AFTER = 1900;
const SILENT = /** @type {Parameters<typeof twoTones>[1]} */ ({ left: [0, 0], right: [0, 0] });

describe('the talk view', () => {
  const folder = mkdtempSync(join(tmpdir(), 'amora-mouth-'));
  const mouth = join(folder, 'mouth.wav');
  writeFileSync(mouth, toneFile(MOUTH, 0.25, 10));
  after(() => rmSync(folder, { recursive: true, force: true }));
  // A name that is no address and not localhost: a page from there is not trusted with a microphone.
  const t = harness(() => ['--use-fake-device-for-media-stream', `--use-file-for-fake-audio-capture=${mouth}`, '--host-resolver-rules=MAP kitchen.test 127.0.0.1']);

  /** @param {import('playwright-core').Page} page @param {string} name */
  const card = (page, name) => page.getByRole('region', { name, exact: true });

  /**
   * Lets the box hear two tones at the pace of sound until the function that this answers with is called.
   * @param {Parameters<typeof twoTones>[1]} tones
   */
  function hear(tones, block = (/** @type {number} */ index) => twoTones(index, tones)) {
    const start = performance.now();
    let sent = 0;
    const timer = setInterval(() => {
      while (sent * 10 < performance.now() - start) t.fake.sendHeard(block(sent++));
    }, 10);
    return () => clearInterval(timer);
  }

  /** The loudest frequency that leaves the page, where it is clear and alone. @param {import('playwright-core').Page} page */
  const heardHere = (page) => page.evaluate(() => {
    const ear = /** @type {AnalyserNode} */ (Reflect.get(window, 'ear'));
    const spectrum = new Float32Array(ear.frequencyBinCount);
    ear.getFloatFrequencyData(spectrum);
    const bin = spectrum.indexOf(Math.max(...spectrum));
    const elsewhere = Math.max(...spectrum.filter((_, index) => Math.abs(index - bin) > 40));
    return spectrum[bin] > -40 && spectrum[bin] - elsewhere > 40 ? (bin * ear.context.sampleRate) / ear.fftSize : 0;
  });

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

  it('closes the microphone and shows it, and only what the box says', async () => {
    t.box.setVoice();
    const page = await t.open('talk');
    const stop = hear({ left: [BEFORE, 0.1], right: [AFTER, 0.05] });
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
    const stop = hear({ left: [BEFORE, 0.1], right: [AFTER, 0.001] });
    try {
      const heard = card(page, 'What is heard');
      await heard.getByRole('group', { name: 'Microphone' }).getByText('−23.0 dB').waitFor();
      await heard.getByRole('group', { name: 'Sent to the hub' }).getByText('−63.0 dB').waitFor();
      await heard.getByText('While the box sounded alone, 40 dB of its echo were removed. The microphone heard −23 to −23 dB, of which −63 to −63 dB was left.').waitFor();
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
    const stop = hear({ left: [BEFORE, 0.1], right: [BEFORE, 0.08] });
    try {
      await card(page, 'Call').getByText('Somebody is speaking').waitFor();
      await page.getByText('The box did not sound alone, so that no echo could be measured. The microphone heard −23 to −23 dB').waitFor();
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

  it('plays the microphone, what the hub hears, and the box, each of them alone', async () => {
    t.box.setVoice();
    const page = await t.blank();
    await addEar(page);
    await page.goto(`${t.fake.url}/#code=${CODE}`);
    await page.waitForSelector('.app');
    await t.go(page, 'talk');
    const stop = hear({ left: [BEFORE, 0.3], right: [AFTER, 0.3] });
    const start = performance.now();
    let sent = 0;
    const playing = setInterval(() => {
      while (sent * 20 < performance.now() - start) t.fake.sendSound(toneBlock(sent++, { frequency: 1200 }));
    }, 10);
    try {
      const choose = (/** @type {string} */ name) => page.getByRole('radio', { name, exact: true }).check({ force: true });
      for (const [name, words, frequency] of /** @type {const} */ ([['Microphone', "Playing here what the box's microphone hears.", BEFORE], ['Sent to the hub', 'Playing here what the hub hears.', AFTER], ['The box', 'Playing here what the box plays.', 1200], ['Microphone', "Playing here what the box's microphone hears.", BEFORE]])) {
        await choose(name);
        await page.getByText(words).waitFor();
        await until(async () => Math.abs((await heardHere(page)) - frequency) < 4, `${name}: not ${frequency} Hz alone`);
      }
      assert.equal(t.fake.hearing, 1, 'meters and ears share one stream');
      assert.equal(t.fake.listening, 0, 'the box is no longer listened to');
      await t.go(page, 'sound');
      await page.getByText("Playing here what the box's microphone hears.").waitFor();
      await page.getByRole('button', { name: 'Stop listening' }).click();
      await until(() => t.fake.hearing === 0, 'the microphone is still listened to');
    } finally {
      stop();
      clearInterval(playing);
    }
  });

  it('turns from one channel to the other without a click', async () => {
    t.box.setVoice();
    const page = await t.blank();
    await addEar(page);
    await page.goto(`${t.fake.url}/#code=${CODE}`);
    await page.waitForSelector('.app');
    await t.go(page, 'talk');
    // One channel is as high as the other is low: a switch that is no cross-fade is one great step.
    const stop = hear(SILENT, () => Int16Array.from({ length: 960 }, (_, index) => (index % 2 === 0 ? 13_107 : -13_107)));
    try {
      const choose = (/** @type {string} */ name) => page.getByRole('radio', { name, exact: true }).check({ force: true });
      await choose('Microphone');
      await page.getByText("Playing here what the box's microphone hears.").waitFor();
      const wave = () => page.evaluate(() => {
        const ear = /** @type {AnalyserNode} */ (Reflect.get(window, 'ear'));
        const samples = new Float32Array(ear.fftSize);
        ear.getFloatTimeDomainData(samples);
        const step = samples.reduce((most, value, index) => (index > 0 ? Math.max(most, Math.abs(value - samples[index - 1])) : most), 0);
        return { step, first: samples[0], last: samples[samples.length - 1] };
      });
      const turns = [];
      for (const [name, from, to] of /** @type {const} */ ([['Sent to the hub', 0.4, -0.4], ['Microphone', -0.4, 0.4]])) {
        const other = name === 'Microphone' ? 'Sent to the hub' : 'Microphone';
        turns.push(await until(async () => {
          await choose(other);
          await until(async () => Math.abs((await wave()).last - from) < 0.01);
          await choose(name);
          await until(async () => Math.abs((await wave()).last - to) < 0.01);
          const seen = await wave();
          return Math.abs(seen.first - from) < 0.01 && Math.abs(seen.last - to) < 0.01 ? seen : null;
        }, 'no window shows a turn from the one to the other'));
      }
      for (const { step } of turns) assert.ok(step < 0.02, `a step of ${step}`);
    } finally {
      stop();
    }
  });

  it('says into the room what the browser hears, at its pitch, and ends when told to', async () => {
    t.box.setVoice();
    const page = await t.blank({ permissions: ['microphone'] });
    await page.goto(`${t.fake.url}/#code=${CODE}`);
    await page.waitForSelector('.app');
    await t.go(page, 'talk');
    await page.getByRole('button', { name: 'Talk with your microphone' }).click();
    await page.getByText('Your microphone is open: the box hears you.').waitFor();
    await until(() => t.box.room.latest.length > 3 * 48_000, 'nothing arrives');
    const said = t.box.room.latest.slice(-96_000);
    const tone = amplitudeAt(said, MOUTH);
    assert.ok(tone > 0.05, `the tone has an amplitude of ${tone}`);
    for (const other of [MOUTH / 2, MOUTH * 1.0884, MOUTH * 0.91875, MOUTH * 2]) assert.ok(amplitudeAt(said, other) < tone / 30, `${other} Hz is there too`);
    assert.equal(t.box.room.dropped, 0);
    await page.getByRole('button', { name: 'Stop talking' }).click();
    await until(() => !t.box.room.present, 'it still talks');
    assert.equal(await page.getByRole('button', { name: 'Talk with your microphone' }).count(), 1);

    await page.getByRole('button', { name: 'Talk with your microphone' }).click();
    await until(() => t.box.room.present, 'it does not talk again');
    await t.go(page, 'box');
    await until(() => !t.box.room.present, 'it still talks though nobody sees it');
  });

  it('resamples what a microphone of another rate gives', async () => {
    const page = await t.open();
    const said = await page.evaluate(async () => {
      const { converter } = await import(/** @type {string} */ ('/scripts/talk/microphone.js'));
      const convert = converter(44_100);
      const pieces = Array.from({ length: 50 }, (_, piece) => convert(Float32Array.from({ length: 882 }, (_, index) => 0.5 * Math.sin((2 * Math.PI * 640 * (piece * 882 + index)) / 44_100))));
      return pieces.flatMap((piece) => [...piece]);
    });
    assert.ok(Math.abs(said.length - 48_000) <= 2, `${said.length} samples of a second`);
    const tone = amplitudeAt(Int16Array.from(said).slice(1000), MOUTH);
    assert.ok(Math.abs(tone - 0.5) < 0.01, `amplitude ${tone}`);
  });

  it('lets the voices speak, whole, as fast as one speaks and no faster', async () => {
    t.box.setVoice();
    const page = await t.open('talk');
    const voices = page.getByRole('group', { name: 'Voices' }).getByRole('button');
    await until(async () => (await voices.count()) === 3);
    const started = performance.now();
    await voices.first().click();
    await page.getByText('The box hears: A question.').waitFor();
    await until(() => t.box.room.said.length === 1 && !t.box.room.present, 'it does not end');
    const took = performance.now() - started;
    const said = t.box.room.latest;
    const length = await page.evaluate(async () => {
      const bytes = await (await fetch('/voices/question.mp3')).arrayBuffer();
      return (await new OfflineAudioContext(1, 1, 48_000).decodeAudioData(bytes)).length;
    });
    assert.equal(said.length, length);
    assert.ok(took > (said.length / 48_000) * 1000, `${said.length} samples in ${took} ms`);
    assert.deepEqual([t.box.room.dropped, t.box.room.refused], [0, []]);
    const power = said.reduce((sum, sample) => sum + (sample / 32_768) ** 2, 0) / said.length;
    assert.ok(power > 10 ** -3 && power < 10 ** -1.4, `${10 * Math.log10(power)} dB`);
    await page.getByText('What you say is heard there').waitFor();

    await voices.last().click();
    await until(() => t.box.room.latest.length > 48_000 && t.box.room.present);
    await voices.nth(1).click();
    await until(() => t.box.room.said.length === 3 && t.box.room.latest.length > 0, 'the next voice does not begin');
    assert.equal(await voices.nth(1).getAttribute('aria-pressed'), 'true');
    await voices.nth(1).click();
    await until(() => !t.box.room.present, 'it goes on');
    assert.deepEqual(t.box.room.refused, [], 'nobody talked over anybody');
  });

  it('says in plain words why nobody can be heard', async () => {
    t.box.setVoice();
    const page = await t.blank();
    await page.goto(`${t.fake.url}/#code=${CODE}`);
    await page.waitForSelector('.app');
    await t.go(page, 'talk');
    const talk = page.getByRole('button', { name: 'Talk with your microphone' });
    const problem = card(page, 'Talk to the box').getByRole('alert');
    for (const [name, words] of /** @type {const} */ ([['NotAllowedError', 'The browser does not let this page use the microphone.'], ['NotFoundError', 'The browser finds no microphone.'], ['NotReadableError', 'Another program may hold it.'], ['OddError', 'The microphone could not be opened: oh.']])) {
      await page.evaluate((error) => {
        navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('oh', error));
      }, name);
      await talk.click();
      await problem.getByText(words).waitFor();
      assert.equal(t.box.room.said.length, 0);
    }
    const voice = page.getByRole('button', { name: /^A wish/ });
    t.box.room.present = /** @type {any} */ ({ terminate() {} });
    await voice.click();
    await problem.getByText('Somebody else is talking into the room; try again when they have finished.').waitFor();
    t.box.room.present = undefined;
    await voice.click();
    const talking = await until(() => t.box.room.present);
    assert.equal(await problem.isVisible(), false);
    talking.send('{"dropped":24000}');
    await page.getByText('0.5 seconds were lost on the way.').waitFor();
    for (const rubbish of ['{"dropped":null}', '[]', 'null', '{', '{"dropped":"many"}']) talking.send(rubbish);
    talking.close(1013, 'the room was closed; connect again');
    await problem.getByText('The room was closed; connect again.').waitFor();

    t.box.state.audio.card.kind = 'alsa';
    t.box.changed('audio');
    await page.getByText('This box hears with its own microphone: talk to it where it stands.').waitFor();
    assert.equal(await talk.count(), 0);
    assert.equal(await page.getByRole('radio', { name: 'Sent to the hub' }).isEnabled(), true);
  });

  it('asks a browser that says no, and says so', async () => {
    t.box.setVoice();
    const page = await t.blank({ permissions: [] });
    await page.goto(`${t.fake.url}/#code=${CODE}`);
    await page.waitForSelector('.app');
    await t.go(page, 'talk');
    await page.getByRole('button', { name: 'Talk with your microphone' }).click();
    await page.getByText('The browser does not let this page use the microphone.').waitFor();
  });

  it('knows beforehand that a page over plain HTTP gets no microphone, and offers the voices', async () => {
    t.box.setVoice();
    const page = await t.blank();
    await page.goto(`http://kitchen.test:${t.fake.port}/#code=${CODE}`);
    await page.waitForSelector('.app');
    await t.go(page, 'talk');
    await page.getByText('Browsers give no microphone to a page that comes over plain HTTP from another computer.').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Talk with your microphone' }).isDisabled(), true);
    await page.getByRole('button', { name: /^A question/ }).click();
    await until(() => t.box.room.latest.length > 20_000, 'the voice is not heard');
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
    for (const name of ['Hang up', 'Talk with your microphone']) assert.equal(await page.getByRole('button', { name }).isDisabled(), true, name);
    assert.equal(t.fake.hearing, 0);
  });

  it('shows who cancels and why, and whatever a box may say, as text', async () => {
    t.box.setVoice();
    const page = await t.open('talk', { viewport: PHONE });
    const echo = card(page, 'Echo canceller');
    assert.deepEqual(await echo.locator('dd').allTextContents(), ["Kalman, the box's own", '38.4 dB', '4.2 ms', '−12.3 ppm', '3 %']);
    await echo.getByText('The card plays and records by one clock, and its loudspeaker bends nothing.').waitFor();
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
    const stop = hear({ left: [BEFORE, 0.1], right: [AFTER, 0.002] });
    try {
      for (const [colorScheme, viewport] of /** @type {const} */ ([['light', PHONE], ['dark', DESKTOP], ['dark', PHONE], ['light', DESKTOP]])) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        await page.setViewportSize(viewport);
        for (const [words, go] of states) {
          go();
          await page.locator('main').getByText(words).first().waitFor();
          assert.deepEqual(await page.evaluate(() => [...document.querySelectorAll('.card')].flatMap((each) => [...each.querySelectorAll('*')].filter((inner) => inner.getBoundingClientRect().right > each.getBoundingClientRect().right).map(({ outerHTML }) => outerHTML.slice(0, 80)))), [], `sticks out: ${colorScheme}, ${words}`);
          assert.deepEqual(await violations(page), [], `${colorScheme}, ${words}`);
        }
      }
    } finally {
      stop();
    }
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
    const stop = hear({ left: [BEFORE, 0.1], right: [AFTER, 0.01] });
    try {
      const drawn = await until(() => page.evaluate(() => (Reflect.get(window, 'drawn')?.length >= 4 ? Reflect.get(window, 'drawn') : null)));
      for (let index = 1; index < drawn.length; index += 1) assert.ok(drawn[index] - drawn[index - 1] > 950, `${drawn[index] - drawn[index - 1]} ms apart`);
    } finally {
      stop();
    }
  });
});
