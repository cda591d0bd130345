/** Where its colours change, decibels. */
const MIDDLE = -18;
const HIGH = -6;
/** How long a peak is held, milliseconds, and how fast it falls then, decibels per second. */
const HOLD = 1200;
const FALL = 20;
/** How fast the bar falls, decibels per second. */
const SINK = 42;

/** @typedef {{ left: number, top: number, width: number, thick: number, scale: number }} Place where a bar is drawn, and pixels per CSS pixel */

/** One bar of a meter: the mean as its length, the peak as a line that is held. */
export class LevelBar {
  #shown;
  #peak;
  #peakSince = 0;
  #time = 0;

  /** @param {number} floor the level at which it is empty, decibels */
  constructor(floor) {
    this.floor = floor;
    this.#shown = floor;
    this.#peak = floor;
  }

  /**
   * The level of the moment. It rises at once and falls in its own time, as the eye expects of a meter.
   * @param {number} rms decibels @param {number} peak decibels @param {number} time milliseconds
   */
  move(rms, peak, time) {
    const passed = Math.max(0, Math.min(1, (time - this.#time) / 1000));
    this.#time = time;
    this.#shown = Math.max(rms, this.#shown - SINK * passed, this.floor);
    if (peak >= this.#peak) {
      this.#peak = peak;
      this.#peakSince = time;
    } else if (time - this.#peakSince > HOLD) {
      this.#peak = Math.max(peak, this.floor, this.#peak - FALL * passed);
    }
  }

  /** @param {CanvasRenderingContext2D} pen @param {Place} place */
  draw(pen, { left, top, width, thick, scale }) {
    const style = getComputedStyle(pen.canvas);
    const [low, middle, high] = ['--meter-low', '--meter-middle', '--meter-high'].map((name) => style.getPropertyValue(name));
    const colour = (/** @type {number} */ value) => (value > HIGH ? high : value > MIDDLE ? middle : low);
    const place = (/** @type {number} */ value) => left + width * Math.max(0, Math.min(1, (value - this.floor) / -this.floor));
    const segment = 6 * scale;
    for (let x = left; x < left + width; x += segment) {
      const value = this.floor + ((x - left) / width) * -this.floor;
      pen.globalAlpha = x < place(this.#shown) ? 1 : 0.16;
      pen.fillStyle = colour(value);
      pen.fillRect(x, top, segment - 1.5 * scale, thick);
    }
    pen.globalAlpha = 1;
    if (this.#peak <= this.floor) return;
    pen.fillStyle = colour(this.#peak);
    pen.fillRect(place(this.#peak) - 1.5 * scale, top - 3 * scale, 3 * scale, thick + 6 * scale);
  }
}

/**
 * Makes a canvas as large as it is shown, and clears it. Nothing while it is not shown.
 * @param {HTMLCanvasElement} canvas
 */
export function clearCanvas(canvas) {
  const scale = devicePixelRatio || 1;
  const [width, height] = [Math.round(canvas.clientWidth * scale), Math.round(canvas.clientHeight * scale)];
  if (width === 0 || height === 0) return undefined;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  pen.clearRect(0, 0, width, height);
  return { pen, width, height, scale };
}
