const RATE = 48_000;

/**
 * One block of what the box hears: a tone on each channel, interleaved 16-bit stereo.
 * @param {number} block which one, counted from 0
 * @param {{ left: [frequency: number, amplitude: number], right: [frequency: number, amplitude: number], frames?: number }} tones
 */
export function twoTones(block, { left, right, frames = 480 }) {
  return Int16Array.from({ length: 2 * frames }, (_, index) => {
    const [frequency, amplitude] = index % 2 === 0 ? left : right;
    return Math.round(32_767 * amplitude * Math.sin((2 * Math.PI * frequency * (block * frames + (index >> 1))) / RATE));
  });
}

/**
 * How much of a sound is one frequency, as an amplitude.
 * @param {Int16Array} samples @param {number} frequency
 */
export function amplitudeAt(samples, frequency) {
  let [real, imaginary] = [0, 0];
  samples.forEach((sample, index) => {
    const angle = (2 * Math.PI * frequency * index) / RATE;
    real += sample * Math.cos(angle);
    imaginary += sample * Math.sin(angle);
  });
  return (2 * Math.hypot(real, imaginary)) / samples.length / 32_768;
}

/** A WAV file of a tone, 16-bit mono at 48 kHz. @param {number} frequency @param {number} amplitude @param {number} seconds */
export function toneFile(frequency, amplitude, seconds) {
  const samples = Math.round(seconds * RATE);
  const file = Buffer.alloc(44 + 2 * samples);
  file.write('RIFF', 0);
  file.writeUInt32LE(36 + 2 * samples, 4);
  file.write('WAVEfmt ', 8);
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(1, 22);
  file.writeUInt32LE(RATE, 24);
  file.writeUInt32LE(2 * RATE, 28);
  file.writeUInt16LE(2, 32);
  file.writeUInt16LE(16, 34);
  file.write('data', 36);
  file.writeUInt32LE(2 * samples, 40);
  for (let index = 0; index < samples; index += 1) file.writeInt16LE(Math.round(32_767 * amplitude * Math.sin((2 * Math.PI * frequency * index) / RATE)), 44 + 2 * index);
  return file;
}

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
