/** Seconds as people write them: `3:07`, `1:02:45`. @param {number} seconds */
export function clockTime(seconds) {
  const whole = Math.max(0, Math.floor(Number.isFinite(seconds) ? seconds : 0));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const tail = String(rest).padStart(2, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${tail}` : `${minutes}:${tail}`;
}

/** A span in words, of its two largest units. @param {number} milliseconds */
export function spanInWords(milliseconds) {
  const minutes = Math.max(0, Math.floor(milliseconds / 60_000));
  if (minutes < 1) return 'less than a minute';
  const parts = [[Math.floor(minutes / 1440), 'day'], [Math.floor(minutes / 60) % 24, 'hour'], [minutes % 60, 'minute']];
  const given = parts.filter(([count]) => Number(count) > 0).slice(0, 2);
  return given.map(([count, unit]) => counted(Number(count), String(unit))).join(' ');
}

/** @param {number} count @param {string} noun */
export function counted(count, noun) {
  const plural = /[^aeiou]y$/.test(noun) ? `${noun.slice(0, -1)}ies` : `${noun}s`;
  return `${count.toLocaleString()} ${count === 1 ? noun : plural}`;
}

/** A number with so many digits after the point, and with a minus sign where it has one. @param {number} value @param {number} [digits] */
export function decimal(value, digits = 0) {
  return value.toFixed(digits).replace('-', '−');
}

/** @param {number | null | undefined} level */
export function decibels(level) {
  return typeof level === 'number' && level > -120 ? `${decimal(level, 1)} dB` : '−∞ dB';
}

/** The last part of a path. @param {string} path */
export function baseName(path) {
  return path.split('/').filter(Boolean).at(-1) ?? path;
}

/** What MPD's `44100:16:2` means. @param {string} format */
export function formatInWords(format) {
  const [rate, bits, channels] = format.split(':');
  if (!channels) return '';
  const depth = bits === 'f' ? 'float' : bits === 'dsd' ? 'DSD' : `${bits} bit`;
  return [`${Number(rate) / 1000} kHz`, depth, channels === '1' ? 'mono' : channels === '2' ? 'stereo' : `${channels} channels`].join(' · ');
}

/** A time of day, with the day where it is not today. @param {number} time by the browser's clock, milliseconds */
export function momentInWords(time) {
  const date = new Date(time);
  const today = date.toDateString() === new Date().toDateString();
  return date.toLocaleString(undefined, today ? { timeStyle: 'short' } : { dateStyle: 'medium', timeStyle: 'short' });
}
