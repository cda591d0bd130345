import { dominantHue, palette } from './tint.js';
import { theme } from './theme.js';

/** Edge of the small copy whose pixels are looked at. */
const SIZE = 24;

/** @type {{ hue: number, saturation: number } | undefined} */
let dominant;

/** Takes the page's accent from a cover that has loaded; nothing gives the page its own colours back. @param {HTMLImageElement | undefined} image */
export function tintFrom(image) {
  dominant = image && hueOf(image);
  applyTint();
}

/** Applies the present tint again, for a new theme. */
export function applyTint() {
  const { style } = document.documentElement;
  const colours = dominant && palette(dominant, theme());
  for (const [name, value] of [['--accent', colours?.accent], ['--on-accent', colours?.onAccent], ['--tint', colours?.tint]]) {
    if (value) style.setProperty(String(name), value);
    else style.removeProperty(String(name));
  }
}

/** @param {HTMLImageElement} image */
function hueOf(image) {
  const canvas = document.createElement('canvas');
  canvas.width = SIZE;
  canvas.height = SIZE;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) return undefined;
  try {
    context.drawImage(image, 0, 0, SIZE, SIZE);
    return dominantHue(context.getImageData(0, 0, SIZE, SIZE).data);
  } catch {
    return undefined;
  }
}
