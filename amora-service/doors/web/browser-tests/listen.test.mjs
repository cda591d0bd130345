import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addEar } from './support/ear.mjs';
import { harness, until } from './support/harness.mjs';
import { toneBlock } from './support/tone.mjs';

/** The greatest step between two samples of a 1 kHz tone of half amplitude at 48 kHz is 0.0654. */
const NO_CLICK = 0.07;

describe('listening along', () => {
  const t = harness();

  it('plays the tone that the box sends, whole and at its pitch', async () => {
    const page = await t.blank();
    await addEar(page);
    const { CODE } = await import('./fake-box/server.mjs');
    await page.goto(`${t.fake.url}/#code=${CODE}`);
    await page.waitForSelector('.app');
    await t.go(page, 'sound');
    await page.getByRole('button', { name: 'Listen here' }).click();
    await until(() => t.fake.listening === 1);
    const start = Date.now();
    let sent = 0;
    const sending = setInterval(() => {
      while (sent * 20 < Date.now() - start) t.fake.sendSound(toneBlock(sent++));
    }, 10);
    try {
      await page.getByText('Playing here what the box plays.').waitFor();
      const heard = await until(() => page.evaluate((limit) => {
        const ear = /** @type {AnalyserNode} */ (Reflect.get(window, 'ear'));
        const wave = new Float32Array(ear.fftSize);
        const spectrum = new Float32Array(ear.frequencyBinCount);
        ear.getFloatTimeDomainData(wave);
        ear.getFloatFrequencyData(spectrum);
        const bin = spectrum.indexOf(Math.max(...spectrum));
        const step = wave.reduce((most, value, index) => (index > 0 ? Math.max(most, Math.abs(value - wave[index - 1])) : most), 0);
        const quietest = Math.min(...Array.from({ length: 64 }, (_, part) => Math.max(...wave.slice(part * 512, part * 512 + 512))));
        const clean = step < limit && quietest > 0.45;
        return clean ? { frequency: (bin * ear.context.sampleRate) / ear.fftSize, peak: Math.max(...wave) } : null;
      }, NO_CLICK), 'no two thirds of a second were heard without a gap or a click');
      assert.ok(Math.abs(heard.frequency - 1000) < 2, `${heard.frequency} Hz`);
      assert.ok(Math.abs(heard.peak - 0.5) < 0.02, `peak ${heard.peak}`);
    } finally {
      clearInterval(sending);
    }
    await page.getByRole('button', { name: 'Stop listening' }).click();
    await until(() => t.fake.listening === 0, 'the stream is still open');
  });

  it('opens the stream again when it breaks', async () => {
    const page = await t.open('sound');
    await page.getByRole('button', { name: 'Listen here' }).click();
    await until(() => t.fake.listening === 1);
    t.fake.cut();
    await page.getByText('The sound stopped coming. Trying again…').waitFor();
    await until(() => t.fake.listening === 1, 'it did not come back');
    t.forgive();
  });

  for (const [name, drift] of /** @type {const} */ ([['fast', 200], ['slow', -200]])) {
    it(`follows a box whose clock is ${name}, through jitter, without a gap, a drop or a click`, async () => {
      const page = await t.open();
      const result = await page.evaluate(async ([ppm, seconds]) => {
        const { JitterBuffer } = await import(/** @type {string} */ ('/scripts/listen/jitter-buffer.js'));
        const buffer = new JitterBuffer();
        const levels = [];
        const render = new OfflineAudioContext(1, 48_000 * 12, 48_000);
        let noise = 7;
        let arrived = 0;
        for (let block = 0; block * 0.02 < seconds; block += 1) {
          noise = (noise * 16_807) % 2_147_483_647;
          // The network delays by up to 90 ms, and keeps the order.
          arrived = Math.max(arrived, (block * 0.02) / (1 + ppm / 1e6) + 0.09 * (noise / 2_147_483_647));
          const samples = new Int16Array(1920);
          for (let frame = 0; frame < 960; frame += 1) {
            samples[2 * frame] = Math.round(16_384 * Math.sin((2 * Math.PI * 1000 * (block * 960 + frame)) / 48_000));
            samples[2 * frame + 1] = samples[2 * frame];
          }
          const piece = buffer.push(samples, arrived * 48_000);
          levels.push(buffer.level(arrived * 48_000));
          const from = piece.start / 48_000 - (seconds - 11);
          if (from >= 0 && from < 12) {
            const sound = render.createBuffer(1, piece.left.length, 48_000);
            sound.copyToChannel(piece.left, 0);
            const source = new AudioBufferSourceNode(render, { buffer: sound });
            source.connect(render.destination);
            source.start(Math.round(from * 48_000) / 48_000);
          }
        }
        const wave = (await render.startRendering()).getChannelData(0).slice(48_000, 48_000 * 10);
        let step = 0;
        for (let index = 1; index < wave.length; index += 1) step = Math.max(step, Math.abs(wave[index] - wave[index - 1]));
        const quietest = Math.min(...Array.from({ length: 800 }, (_, part) => Math.max(...wave.slice(part * 500, part * 500 + 500))));
        return { step, quietest, dry: buffer.counters.dry, dropped: buffer.counters.dropped, least: Math.min(...levels.slice(3000)), most: Math.max(...levels.slice(3000)) };
      }, [drift, 900]);
      assert.deepEqual({ dry: result.dry, dropped: result.dropped }, { dry: 0, dropped: 0 });
      assert.ok(result.step < NO_CLICK, `a step of ${result.step}`);
      assert.ok(result.quietest > 0.49, `a gap: ${result.quietest}`);
      assert.ok(result.least > 2_400 && result.most < 19_200, `between ${result.least} and ${result.most} frames were ready`);
    });
  }

  it('drops what is too late after a pause of the network, with ramps', async () => {
    const page = await t.open();
    const result = await page.evaluate(async () => {
      const { JitterBuffer } = await import(/** @type {string} */ ('/scripts/listen/jitter-buffer.js'));
      const buffer = new JitterBuffer();
      const loud = new Int16Array(1920).fill(16_384);
      const pieces = Array.from({ length: 100 }, () => buffer.push(loud, 0)).filter(Boolean);
      const held = buffer.level(0);
      const later = buffer.push(loud, held - 4_800);
      return { held, dropped: buffer.counters.dropped, end: pieces.at(-1).left.at(-1), begin: later.left[0], full: later.left[480] };
    });
    assert.ok(result.held <= 28_800 + 2 * 960, `${result.held} frames are kept`);
    assert.equal(result.dropped, 100 - Math.round((result.held - 9_600) / 960));
    assert.equal(result.end, 0);
    assert.equal(result.begin, 0);
    assert.ok(Math.abs(result.full - 0.5) < 0.001);
  });
});
