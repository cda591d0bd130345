import { decimal } from '../format.js';
import { clearCanvas } from '../sound/level-bar.js';
import { SPAN } from './history.js';

/** @typedef {import('./history.js').Point} Point */

/** Decibels at the ends of the two lanes, and the lines in them. */
const LEVELS = { top: 0, bottom: -90, lines: [0, -30, -60, -90] };
const REMOVED = { top: 60, bottom: 0, lines: [0, 20, 40, 60] };

/** Margins in CSS pixels. */
const LEFT = 34;
const RIGHT = 6;
const TOP = 20;
const BETWEEN = 26;
const BOTTOM = 20;

/** Of the room for both, what the levels get. */
const SHARE = 0.62;

/** Seconds before now that are written below. */
const TIMES = [30, 20, 10, 0];

/**
 * Draws the last half minute: levels above, the echo that was removed below.
 * @param {HTMLCanvasElement} canvas @param {readonly Point[]} points @param {number} now milliseconds
 */
export function drawPlot(canvas, points, now) {
  const picture = clearCanvas(canvas);
  if (!picture) return;
  const { pen, scale } = picture;
  pen.save();
  pen.scale(scale, scale);
  const [width, height] = [picture.width / scale, picture.height / scale];
  const style = getComputedStyle(canvas);
  const colour = (/** @type {string} */ name) => style.getPropertyValue(name);
  const space = height - TOP - BETWEEN - BOTTOM;
  const above = { top: TOP, height: space * SHARE, range: LEVELS };
  const below = { top: TOP + above.height + BETWEEN, height: space * (1 - SHARE), range: REMOVED };
  const x = (/** @type {number} */ time) => LEFT + (width - LEFT - RIGHT) * (1 - (now - time) / SPAN);

  pen.font = `11px ${style.fontFamily}`;
  pen.textBaseline = 'middle';
  for (const lane of [above, below]) {
    pen.fillStyle = colour('--plot-ground');
    pen.fillRect(LEFT, lane.top, width - LEFT - RIGHT, lane.height);
  }
  pen.save();
  pen.beginPath();
  pen.rect(LEFT, 0, width - LEFT - RIGHT, height);
  pen.clip();
  pen.fillStyle = colour('--plot-speaking');
  for (const run of runs(points, (point) => point.speaking)) pen.fillRect(x(run[0].time), above.top, x(run[run.length - 1].time) - x(run[0].time), above.height);
  pen.restore();

  pen.lineWidth = 1;
  pen.strokeStyle = colour('--plot-grid');
  pen.fillStyle = colour('--ink-soft');
  for (const lane of [above, below]) {
    pen.textAlign = 'right';
    for (const value of lane.range.lines) {
      const at = Math.round(y(lane, value)) + 0.5;
      pen.beginPath();
      pen.moveTo(LEFT, at);
      pen.lineTo(width - RIGHT, at);
      pen.stroke();
      pen.fillText(decimal(value), LEFT - 7, at);
    }
  }
  pen.textAlign = 'left';
  pen.fillText('Level in dB of full scale', LEFT, above.top - 10);
  pen.fillText('Echo removed, in dB', LEFT, below.top - 10);
  for (const seconds of TIMES) {
    pen.textAlign = seconds === 30 ? 'left' : seconds === 0 ? 'right' : 'center';
    pen.fillText(seconds === 0 ? 'now' : `${decimal(-seconds)} s`, x(now - seconds * 1000), height - BOTTOM / 2 + 2);
  }

  pen.beginPath();
  pen.rect(LEFT, 0, width - LEFT - RIGHT, height - BOTTOM + 2);
  pen.clip();
  pen.lineJoin = 'round';
  const all = runs(points, () => true);
  for (const run of all) area(pen, run, x, above, (point) => point.microphone, colour('--plot-microphone'), 0.2, 1.5);
  pen.strokeStyle = colour('--plot-hub');
  pen.lineWidth = 2;
  for (const run of runs(points, (point) => !point.muted)) trace(pen, run, x, above, (point) => point.hub);
  pen.setLineDash([2, 4]);
  for (const run of runs(points, (point) => point.muted)) trace(pen, run, x, above, (point) => point.hub);
  pen.setLineDash([]);
  for (const run of runs(points, (point) => point.removed !== null)) {
    area(pen, run.filter((point) => point.removed !== null), x, below, (point) => point.removed ?? 0, colour('--good'), 0.24, 2);
  }
  pen.restore();
}

/** @typedef {{ top: number, height: number, range: { top: number, bottom: number, lines: number[] } }} Lane */

/** @param {Lane} lane @param {number} value */
function y({ top, height, range }, value) {
  return top + height * Math.max(0, Math.min(1, (range.top - value) / (range.top - range.bottom)));
}

/**
 * The parts in a row that fit, each with the point after it, so that neighbours touch.
 * @param {readonly Point[]} points @param {(point: Point) => boolean} fits
 */
function runs(points, fits) {
  /** @type {Point[][]} */
  const found = [];
  /** @type {Point[] | undefined} */
  let run;
  for (const point of points) {
    if (run && !point.gap) run.push(point);
    if (!fits(point)) run = undefined;
    else if (!run || point.gap) found.push((run = [point]));
  }
  return found;
}

/** @param {CanvasRenderingContext2D} pen @param {Point[]} run @param {(time: number) => number} x @param {Lane} lane @param {(point: Point) => number} value */
function trace(pen, run, x, lane, value) {
  pen.beginPath();
  for (const point of run) pen.lineTo(x(point.time), y(lane, value(point)));
  pen.stroke();
}

/**
 * @param {CanvasRenderingContext2D} pen @param {Point[]} run @param {(time: number) => number} x @param {Lane} lane
 * @param {(point: Point) => number} value @param {string} colour @param {number} strength @param {number} line
 */
function area(pen, run, x, lane, value, colour, strength, line) {
  pen.beginPath();
  pen.moveTo(x(run[0].time), lane.top + lane.height);
  for (const point of run) pen.lineTo(x(point.time), y(lane, value(point)));
  pen.lineTo(x(run[run.length - 1].time), lane.top + lane.height);
  pen.fillStyle = colour;
  pen.globalAlpha = strength;
  pen.fill();
  pen.globalAlpha = 1;
  pen.strokeStyle = colour;
  pen.lineWidth = line;
  trace(pen, run, x, lane, value);
}
