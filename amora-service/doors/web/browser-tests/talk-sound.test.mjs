import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CODE } from './fake-box/server.mjs';
import { MOUTH } from './support/browser.mjs';
import { addEar } from './support/ear.mjs';
import { harness, until } from './support/harness.mjs';
import { AFTER, BEFORE, hear, heardHere, tones } from './support/hearing.mjs';
import { amplitudeAt, toneBlock } from './support/tone.mjs';

describe('listening and talking on the talk view', () => {
  const t = harness();

  /** @param {import('playwright-core').Page} page @param {string} name */
  const card = (page, name) => page.getByRole('region', { name, exact: true });

  it('plays the microphone, what the hub hears, and the box, each of them alone', async () => {
    t.box.setVoice();
    const page = await t.blank();
    await addEar(page);
    await page.goto(`${t.fake.url}/#code=${CODE}`);
    await page.waitForSelector('.app');
    await t.go(page, 'talk');
    const stop = hear(t.fake, tones(0.3, 0.3));
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
    const stop = hear(t.fake, () => Int16Array.from({ length: 960 }, (_, index) => (index % 2 === 0 ? 13_107 : -13_107)));
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
    await page.getByRole('button', { name: 'Open your microphone' }).click();
    await page.getByText('Your microphone is open: the box hears you.').waitFor();
    await until(() => t.box.room.latest.length > 3 * 48_000, 'nothing arrives');
    const said = t.box.room.latest.slice(-96_000);
    const tone = amplitudeAt(said, MOUTH);
    assert.ok(tone > 0.05, `the tone has an amplitude of ${tone}`);
    for (const other of [MOUTH / 2, MOUTH * 1.0884, MOUTH * 0.91875, MOUTH * 2]) assert.ok(amplitudeAt(said, other) < tone / 30, `${other} Hz is there too`);
    assert.equal(t.box.room.dropped, 0);
    await page.getByRole('button', { name: 'Close your microphone' }).click();
    await until(() => !t.box.room.present, 'it still talks');
    assert.equal(await page.getByRole('button', { name: 'Open your microphone' }).count(), 1);

    await page.getByRole('button', { name: 'Open your microphone' }).click();
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
    const talk = page.getByRole('button', { name: 'Open your microphone' });
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
    await page.getByRole('button', { name: 'Open your microphone' }).click();
    await page.getByText('The browser does not let this page use the microphone.').waitFor();
  });

  it('knows beforehand that a page over plain HTTP gets no microphone, and offers the voices', async () => {
    t.box.setVoice();
    const page = await t.blank();
    await page.goto(`http://kitchen.test:${t.fake.port}/#code=${CODE}`);
    await page.waitForSelector('.app');
    await t.go(page, 'talk');
    await page.getByText('Browsers give no microphone to a page that comes over plain HTTP from another computer.').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Open your microphone' }).isDisabled(), true);
    await page.getByRole('button', { name: /^A question/ }).click();
    await until(() => t.box.room.latest.length > 20_000, 'the voice is not heard');
  });
});
