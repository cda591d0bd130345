/**
 * Turns blocks of one clock into blocks of another: a stereo stream read a little faster or slower, by cubic interpolation across the
 * edges of the blocks, so that no edge can be heard.
 */
export class Resampler {
  /** The last three frames of the block before, per channel. */
  #history = [new Float32Array(3), new Float32Array(3)];
  /** Where the next output lies, in input frames after the second of those three. */
  #phase = 0;

  /**
   * @param {Int16Array} block interleaved stereo
   * @param {number} ratio input frames per output frame: above 1 plays faster
   * @returns {[Float32Array, Float32Array]} left and right
   */
  process(block, ratio) {
    const frames = block.length >> 1;
    const input = this.#history.map((history, channel) => {
      const samples = new Float32Array(frames + 3);
      samples.set(history);
      for (let frame = 0; frame < frames; frame += 1) samples[frame + 3] = block[2 * frame + channel] / 32_768;
      return samples;
    });
    // Interpolating at `position` reads from one frame before it to two after it.
    const count = Math.max(0, Math.ceil((frames - this.#phase) / ratio));
    const output = input.map((samples) => {
      const result = new Float32Array(count);
      for (let index = 0; index < count; index += 1) {
        const at = 1 + this.#phase + index * ratio;
        const whole = Math.floor(at);
        result[index] = cubic(samples[whole - 1], samples[whole], samples[whole + 1], samples[whole + 2], at - whole);
      }
      return result;
    });
    this.#phase += count * ratio - frames;
    this.#history = input.map((samples) => samples.slice(frames));
    return [output[0], output[1]];
  }

  /** The stream was broken off: the next block stands alone. */
  reset() {
    for (const history of this.#history) history.fill(0);
    this.#phase = 0;
  }
}

/**
 * Catmull-Rom: exact at the samples, and at a ratio of 1 nothing but a delay.
 * @param {number} before @param {number} from @param {number} to @param {number} after @param {number} part
 */
function cubic(before, from, to, after, part) {
  if (part === 0) return from;
  const slope = to - before;
  const bend = 2 * before - 5 * from + 4 * to - after;
  const twist = 3 * (from - to) + after - before;
  return from + 0.5 * part * (slope + part * (bend + part * twist));
}
