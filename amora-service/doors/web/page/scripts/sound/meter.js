import { h, setText } from '../dom.js';
import { decibels } from '../format.js';

/** What the meter shows, decibels. */
const FLOOR = -60;
/** Where its colours change. */
const MIDDLE = -18;
const HIGH = -6;
/** How long a peak is held, milliseconds, and how fast it falls then, decibels per second. */
const HOLD = 1200;
const FALL = 20;
/** Time between two readings in words, milliseconds. */
const WORDS = 500;

/** @typedef {{ level: number, since: number }} Held */

/**
 * A live meter of what leaves the box: mean as a bar, peak as a line that is held.
 * @param {import('../context.js').Context} context
 * @param {AbortSignal} signal
 */
export function makeMeter({ client }, signal) {
  const canvas = h('canvas', { class: 'meter', 'aria-hidden': 'true' });
  const words = h('p', { class: 'meter-words' }, h('span', {}, 'Left −∞ dB'), h('span', {}, 'Right −∞ dB'), h('span', {}, ''));
  /** @type {import('/client/state.d.ts').Levels | undefined} */
  let levels;
  let receivedAt = 0;
  let spokenAt = 0;
  let frame = 0;
  /** @type {[Held, Held]} */
  const held = [{ level: FLOOR, since: 0 }, { level: FLOOR, since: 0 }];
  const shown = [FLOOR, FLOOR];

  const draw = (/** @type {number} */ time) => {
    frame = requestAnimationFrame(draw);
    const scale = devicePixelRatio || 1;
    const [width, height] = [Math.round(canvas.clientWidth * scale), Math.round(canvas.clientHeight * scale)];
    if (width === 0) return;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
    pen.clearRect(0, 0, width, height);
    const stale = time - receivedAt > 600;
    for (const channel of [0, 1]) {
      const rms = stale ? FLOOR : (levels?.rms[channel] ?? FLOOR);
      const peak = stale ? FLOOR : (levels?.peak[channel] ?? FLOOR);
      // Rises at once, falls in its own time, as the eye expects of a meter.
      shown[channel] = Math.max(rms, shown[channel] - 0.7, FLOOR);
      held[channel] = hold(held[channel], peak, time);
      drawChannel(pen, channel, { width, height, scale, level: shown[channel], peak: held[channel].level });
    }
  };
  frame = requestAnimationFrame(draw);
  const end = client.on('levels', (news) => {
    levels = news;
    receivedAt = performance.now();
    if (receivedAt - spokenAt < WORDS) return;
    spokenAt = receivedAt;
    const [left, right, work] = words.children;
    setText(left, `Left ${decibels(news.peak[0])}`);
    setText(right, `Right ${decibels(news.peak[1])}`);
    const working = [(news.limiting ?? 0) < -0.1 && `limiter ${decibels(news.limiting)}`, (news.ducking ?? 0) < -0.1 && `ducking ${decibels(news.ducking)}`];
    setText(work, working.filter(Boolean).join(' · '));
  });
  signal.addEventListener('abort', () => {
    cancelAnimationFrame(frame);
    end();
  });
  return h('div', { role: 'group', 'aria-label': 'Sound level, peak' }, canvas, words);
}

/** @param {Held} held @param {number} peak @param {number} time @returns {Held} */
function hold(held, peak, time) {
  if (peak >= held.level) return { level: peak, since: time };
  const late = time - held.since - HOLD;
  return late > 0 ? { level: Math.max(peak, FLOOR, held.level - FALL / 60), since: held.since } : held;
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {number} channel
 * @param {{ width: number, height: number, scale: number, level: number, peak: number }} picture
 */
function drawChannel(pen, channel, { width, height, scale, level, peak }) {
  const style = getComputedStyle(pen.canvas);
  const colour = (/** @type {number} */ value) => style.getPropertyValue(value > HIGH ? '--meter-high' : value > MIDDLE ? '--meter-middle' : '--meter-low');
  const margin = 14 * scale;
  const space = width - 2 * margin;
  const thick = (height - 3 * margin) / 2;
  const top = margin + channel * (thick + margin);
  const place = (/** @type {number} */ value) => margin + space * Math.max(0, Math.min(1, (value - FLOOR) / -FLOOR));
  const segment = 6 * scale;
  for (let x = margin; x < margin + space; x += segment) {
    const value = FLOOR + ((x - margin) / space) * -FLOOR;
    pen.globalAlpha = x < place(level) ? 1 : 0.16;
    pen.fillStyle = colour(value);
    pen.fillRect(x, top, segment - 1.5 * scale, thick);
  }
  pen.globalAlpha = 1;
  if (peak <= FLOOR) return;
  pen.fillStyle = colour(peak);
  pen.fillRect(place(peak) - 1.5 * scale, top - 3 * scale, 3 * scale, thick + 6 * scale);
}
