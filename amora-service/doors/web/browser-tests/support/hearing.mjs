import { twoTones } from './tone.mjs';

/** What the microphone of the room hears, and what is left of it for the hub. */
export const BEFORE = 700;
export const AFTER = 1900;

/** @param {number} before amplitude @param {number} after amplitude */
export const tones = (before, after) => (/** @type {number} */ index) => twoTones(index, { left: [BEFORE, before], right: [AFTER, after] });

/**
 * Lets the box hear at the pace of sound, until the function that this answers with is called.
 * @param {import('./harness.mjs').FakeBox} fake @param {(index: number) => Int16Array} block 10 ms, interleaved stereo
 */
export function hear(fake, block) {
  const start = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    while (sent * 10 < performance.now() - start) fake.sendHeard(block(sent++));
  }, 10);
  return () => clearInterval(timer);
}

/**
 * The loudest frequency that leaves a page with an ear, where it is alone; otherwise 0.
 * @param {import('playwright-core').Page} page
 */
export const heardHere = (page) => page.evaluate(() => {
  const ear = /** @type {AnalyserNode} */ (Reflect.get(window, 'ear'));
  const spectrum = new Float32Array(ear.frequencyBinCount);
  ear.getFloatFrequencyData(spectrum);
  const bin = spectrum.indexOf(Math.max(...spectrum));
  const elsewhere = Math.max(...spectrum.filter((_, index) => Math.abs(index - bin) > 40));
  return spectrum[bin] > -40 && spectrum[bin] - elsewhere > 40 ? (bin * ear.context.sampleRate) / ear.fftSize : 0;
});
