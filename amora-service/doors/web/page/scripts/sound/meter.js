import { h, setText } from '../dom.js';
import { decibels } from '../format.js';
import { LevelBar, clearCanvas } from './level-bar.js';

/** What the meter shows, decibels. */
const FLOOR = -60;
/** Levels older than this are none, milliseconds. */
const STALE = 600;
/** Time between two readings in words, milliseconds. */
const WORDS = 500;

/**
 * A live meter of what leaves the box.
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
  const bars = [new LevelBar(FLOOR), new LevelBar(FLOOR)];

  const draw = (/** @type {number} */ time) => {
    frame = requestAnimationFrame(draw);
    const picture = clearCanvas(canvas);
    if (!picture) return;
    const { pen, width, height, scale } = picture;
    const fresh = time - receivedAt > STALE ? undefined : levels;
    const margin = 14 * scale;
    const thick = (height - 3 * margin) / 2;
    bars.forEach((bar, channel) => {
      bar.move(fresh?.rms[channel] ?? FLOOR, fresh?.peak[channel] ?? FLOOR, time);
      bar.draw(pen, { left: margin, top: margin + channel * (thick + margin), width: width - 2 * margin, thick, scale });
    });
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
