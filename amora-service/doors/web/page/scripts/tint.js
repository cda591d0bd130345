/**
 * Colours of the page from the colours of the cover, never less legible than WCAG AA asks.
 * @typedef {[red: number, green: number, blue: number]} Colour 0 to 255
 */

/** The darkest and lightest grounds that the accent stands on, per theme. @type {Record<'light' | 'dark', Colour[]>} */
const GROUNDS = { light: [[255, 253, 252], [238, 231, 228]], dark: [[14, 11, 15], [48, 38, 48]] };

/** Asked for above the 4.5 of WCAG, because tinted grounds take a little away. */
const CONTRAST = 5.6;

/**
 * The most telling hue of a picture: pixels weighted by their saturation. Nothing when the picture is grey.
 * @param {Uint8ClampedArray} pixels RGBA
 * @returns {{ hue: number, saturation: number } | undefined}
 */
export function dominantHue(pixels) {
  const weights = new Float64Array(36);
  const saturations = new Float64Array(36);
  let all = 0;
  for (let index = 0; index < pixels.length; index += 4) {
    const { hue, saturation, lightness } = toHsl([pixels[index], pixels[index + 1], pixels[index + 2]]);
    const weight = saturation * (1 - Math.abs(2 * lightness - 1));
    const bin = Math.min(35, Math.floor(hue / 10));
    weights[bin] += weight;
    saturations[bin] += weight * saturation;
    all += 1;
  }
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (all === 0 || total / all < 0.04) return undefined;
  const around = [...weights].map((weight, bin) => weight + 0.5 * (weights[(bin + 1) % 36] + weights[(bin + 35) % 36]));
  const best = around.indexOf(Math.max(...around));
  return { hue: best * 10 + 5, saturation: saturations[best] / (weights[best] || 1) };
}

/**
 * An accent of that hue, with the colour of text on it, legible in the theme.
 * @param {{ hue: number, saturation: number }} dominant
 * @param {'light' | 'dark'} theme
 * @returns {{ accent: string, onAccent: string, tint: string }}
 */
export function palette({ hue, saturation }, theme) {
  const dark = theme === 'dark';
  const strength = Math.min(0.8, Math.max(0.34, saturation));
  const steps = Array.from({ length: 60 }, (_, step) => (dark ? 0.6 + step / 160 : 0.46 - step / 160));
  const legible = (/** @type {number} */ lightness) => GROUNDS[theme].every((ground) => contrast(fromHsl(hue, strength, lightness), ground) >= CONTRAST);
  const lightness = steps.find(legible) ?? (dark ? 0.95 : 0.1);
  return {
    accent: css(fromHsl(hue, strength, lightness)),
    onAccent: css(dark ? fromHsl(hue, 0.5, 0.08) : [255, 255, 255]),
    tint: css(fromHsl(hue, Math.min(0.6, strength), dark ? 0.26 : 0.74)),
  };
}

/** @param {Colour} one @param {Colour} other WCAG 2 contrast ratio */
export function contrast(one, other) {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

/** @param {Colour} colour */
function luminance(colour) {
  const [red, green, blue] = colour.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** @param {Colour} colour */
function toHsl(colour) {
  const [red, green, blue] = colour.map((value) => value / 255);
  const [most, least] = [Math.max(red, green, blue), Math.min(red, green, blue)];
  const [lightness, range] = [(most + least) / 2, most - least];
  if (range === 0) return { hue: 0, saturation: 0, lightness };
  const turn = most === red ? ((green - blue) / range + 6) % 6 : most === green ? (blue - red) / range + 2 : (red - green) / range + 4;
  return { hue: turn * 60, saturation: range / (1 - Math.abs(2 * lightness - 1)), lightness };
}

/** @param {number} hue @param {number} saturation @param {number} lightness @returns {Colour} */
function fromHsl(hue, saturation, lightness) {
  const part = (/** @type {number} */ offset) => {
    const turn = (offset + hue / 30) % 12;
    return Math.round(255 * (lightness - saturation * Math.min(lightness, 1 - lightness) * Math.max(-1, Math.min(turn - 3, 9 - turn, 1))));
  };
  return [part(0), part(8), part(4)];
}

/** @param {Colour} colour */
const css = ([red, green, blue]) => `rgb(${red} ${green} ${blue})`;
