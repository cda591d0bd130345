/** How far back it remembers, milliseconds. */
export const SPAN = 30_000;

/** Time between two points, milliseconds, and the frames in it. */
const STEP = 100;
const FRAMES = 4800;

/** Frames that a meter's reading is taken over: 40 ms. */
const READING = 1920;

/** The least level that 16 bits can show, decibels. */
export const SILENCE = -100;

/** Below this the microphone hears no echo that could be judged, decibels. */
const QUIET = -80;

/** Points over which the echo that is removed is taken together, so that a pause between two notes is no pause in the figure. */
const TOGETHER = 5;

/** How long before it was noticed that somebody speaks, and after they did, the microphone is not taken for echo alone, milliseconds. */
const BEFOREHAND = 500;
const AFTERWARDS = 400;

/** Points that stay this late are after a gap, milliseconds; those of a network that paused catch up within as many points. */
const GAP = 700;
const PATIENCE = 10;

/** What goes on meanwhile. @typedef {{ sounding: boolean, speaking: boolean, muted: boolean }} Circumstances */

/**
 * One tenth of a second. Levels are in decibels of full scale; `removed` is by how much the echo left quieter than it came, and nothing
 * while the box is silent or somebody speaks. `gap` marks the first point after a break.
 * @typedef {Circumstances & { time: number, microphone: number, hub: number, removed: number | null, gap: boolean }} Point
 */

/** @typedef {{ rms: number, peak: number }} Reading */

/** What the microphone heard, and what the hub heard of it, over the last half minute. Time comes in with the blocks. */
export class History {
  /** Oldest first. @type {Point[]} */
  points = [];
  /** @type {{ microphone: Reading, hub: Reading }} */
  reading = { microphone: { rms: SILENCE, peak: SILENCE }, hub: { rms: SILENCE, peak: SILENCE } };
  #step = new Energy();
  #meter = new Energy();
  #spokeAt = -Infinity;
  /** How late the latest points came, milliseconds. @type {number[]} */
  #late = [];
  /** Energies of the latest points that are echo alone. @type {Array<[microphone: number, hub: number]>} */
  #echo = [];

  /**
   * @param {Int16Array} block interleaved stereo: the microphone left, what the hub hears right
   * @param {number} now milliseconds
   * @param {Circumstances} circumstances
   * @returns {boolean} whether there is a new point
   */
  push(block, now, circumstances) {
    if (circumstances.speaking) this.#hush(now);
    let grew = false;
    for (let index = 0; index + 1 < block.length; index += 2) {
      const [microphone, hub] = [block[index] / 32_768, block[index + 1] / 32_768];
      this.#step.add(microphone, hub);
      this.#meter.add(microphone, hub);
      if (this.#meter.frames === READING) {
        this.reading = { microphone: this.#meter.reading(0), hub: this.#meter.reading(1) };
        this.#meter = new Energy();
      }
      if (this.#step.frames === FRAMES) {
        this.#append(now, circumstances);
        this.#step = new Energy();
        grew = true;
      }
    }
    return grew;
  }

  /** @param {number} now @param {Circumstances} circumstances */
  #append(now, circumstances) {
    const last = this.points.at(-1);
    const next = last ? last.time + STEP : now;
    this.#late = [...this.#late.slice(1 - PATIENCE), now - next];
    const gap = !last || (this.#late.length === PATIENCE && Math.min(...this.#late) > GAP && this.#late[0] - (now - next) < GAP);
    if (gap) this.#late = [];
    // Blocks come in bunches: the beat is kept, and follows the clock of arrival slowly.
    const time = gap ? now : next + 0.05 * Math.max(-STEP, Math.min(STEP, now - next));
    const [microphone, hub] = [this.#step.reading(0).rms, this.#step.reading(1).rms];
    const alone = circumstances.sounding && now - this.#spokeAt > AFTERWARDS && microphone > QUIET;
    if (gap || !alone) this.#echo = [];
    if (alone) this.#echo = [...this.#echo.slice(1 - TOGETHER), [power(microphone), power(hub)]];
    this.points.push({ ...circumstances, time, microphone, hub, removed: alone ? ratio(this.#echo) : null, gap });
    const oldest = this.points.findIndex((point) => point.time >= now - SPAN - STEP);
    if (oldest > 0) this.points.splice(0, oldest);
  }

  /** Somebody speaks, and did so before it was noticed. @param {number} now */
  #hush(now) {
    if (now - this.#spokeAt > AFTERWARDS) for (const point of this.points) if (point.time > now - BEFOREHAND) point.removed = null;
    this.#spokeAt = now;
  }

  /** By how much the echo left quieter than it came, mostly, over all that is remembered, decibels; nothing where there was none alone. */
  get removed() {
    const echo = this.points.flatMap(({ removed }) => removed ?? []).sort((one, other) => one - other);
    return echo.length < TOGETHER ? null : echo[echo.length >> 1];
  }

  /** The quietest and the loudest tenth of a second that is remembered. @param {'microphone' | 'hub'} which */
  range(which) {
    const levels = this.points.map((point) => point[which]);
    return levels.length === 0 ? null : { least: Math.min(...levels), most: Math.max(...levels) };
  }
}

class Energy {
  frames = 0;
  #sums = [0, 0];
  #peaks = [0, 0];

  /** @param {number} left @param {number} right */
  add(left, right) {
    this.frames += 1;
    this.#sums[0] += left * left;
    this.#sums[1] += right * right;
    this.#peaks[0] = Math.max(this.#peaks[0], Math.abs(left));
    this.#peaks[1] = Math.max(this.#peaks[1], Math.abs(right));
  }

  /** @param {0 | 1} channel @returns {Reading} */
  reading(channel) {
    return { rms: level(this.#sums[channel] / Math.max(1, this.frames)), peak: level(this.#peaks[channel] ** 2) };
  }
}

/** @param {number} square */
export function level(square) {
  return square > 0 ? Math.max(SILENCE, 10 * Math.log10(square)) : SILENCE;
}

/** @param {number} decibels */
const power = (decibels) => 10 ** (decibels / 10);

/** @param {Array<[number, number]>} pairs */
function ratio(pairs) {
  const [came, left] = [0, 1].map((which) => pairs.reduce((sum, pair) => sum + pair[which], 0));
  return Math.max(0, 10 * Math.log10(came / left));
}
