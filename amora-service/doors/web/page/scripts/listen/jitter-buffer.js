import { Resampler } from './resampler.js';

/** Frames per second of the box's stream. */
export const RATE = 48_000;

/** Frames of a ramp that hides a beginning or an end: 5 ms. */
const RAMP = 240;

/** Sound kept ready, frames: 200 ms. */
const TARGET = 9_600;

/** More than this is dropped, frames: 600 ms. The network had paused, and everything came at once. */
const MOST = 28_800;

/** How fast the difference to the target is made up, per frame of difference; and at most: 2 ‰ cannot be heard as a change of pitch. */
const GAIN = 2e-7;
const MOST_CORRECTION = 0.002;

/** Weight of a new reading of the level: blocks come in bunches, and only the trend counts. */
const SMOOTHING = 0.02;

/** @typedef {{ start: number, left: Float32Array, right: Float32Array }} Piece when it begins, in frames of the output's clock */

/**
 * Decides when each block of the stream is played, so that it neither runs dry nor falls behind, although the box's clock and the
 * computer's differ. It only counts: `now` is the output's clock in frames.
 */
export class JitterBuffer {
  #resampler = new Resampler();
  /** Where the next piece begins; nothing before the first. @type {number | undefined} */
  #next;
  #level = TARGET;
  #dropping = false;
  #fadeIn = true;
  /** What a listener might be told. */
  counters = { blocks: 0, dropped: 0, dry: 0 };

  /** Frames that are ready. @param {number} now */
  level(now) {
    return this.#next === undefined ? 0 : this.#next - now;
  }

  /** How much faster than the box we play at present. */
  get correction() {
    return Math.max(-MOST_CORRECTION, Math.min(MOST_CORRECTION, (this.#level - TARGET) * GAIN));
  }

  /**
   * One block of the stream.
   * @param {Int16Array} block interleaved stereo
   * @param {number} now
   * @returns {Piece | undefined} what to play, and when; nothing when the block is dropped
   */
  push(block, now) {
    this.counters.blocks += 1;
    if (this.#next === undefined || this.#next < now) this.#restart(now);
    const level = this.level(now);
    if (this.#dropping && level > TARGET) {
      this.counters.dropped += 1;
      return undefined;
    }
    if (this.#dropping) {
      this.#dropping = false;
      this.#fadeIn = true;
      this.#resampler.reset();
    }
    this.#level += (level - this.#level) * SMOOTHING;
    const [left, right] = this.#resampler.process(block, 1 + this.correction);
    if (this.#fadeIn) ramp([left, right], 'up');
    this.#fadeIn = false;
    if (level > MOST) {
      this.#dropping = true;
      this.#level = TARGET;
      ramp([left, right], 'down');
    }
    const piece = { start: /** @type {number} */ (this.#next), left, right };
    this.#next = piece.start + left.length;
    return piece;
  }

  /** @param {number} now */
  #restart(now) {
    if (this.#next !== undefined) this.counters.dry += 1;
    this.#next = Math.ceil(now) + TARGET;
    this.#level = TARGET;
    this.#fadeIn = true;
    this.#dropping = false;
    this.#resampler.reset();
  }
}

/** @param {Float32Array[]} channels @param {'up' | 'down'} direction */
function ramp(channels, direction) {
  for (const samples of channels) {
    const length = Math.min(RAMP, samples.length);
    for (let index = 0; index < length; index += 1) samples[direction === 'up' ? index : samples.length - 1 - index] *= index / length;
  }
}
