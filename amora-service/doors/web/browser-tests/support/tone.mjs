/**
 * One block of the listening stream: a tone on both channels, interleaved 16-bit stereo.
 * @param {number} block which one, counted from 0, so that the phase runs on
 * @param {{ frequency?: number, amplitude?: number, frames?: number }} [options]
 */
export function toneBlock(block, { frequency = 1000, amplitude = 0.5, frames = 960 } = {}) {
  const samples = new Int16Array(frames * 2);
  for (let frame = 0; frame < frames; frame += 1) {
    const value = Math.round(32767 * amplitude * Math.sin((2 * Math.PI * frequency * (block * frames + frame)) / 48_000));
    samples[2 * frame] = value;
    samples[2 * frame + 1] = value;
  }
  return samples;
}
