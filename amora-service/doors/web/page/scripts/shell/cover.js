import { h } from '../dom.js';
import { icon } from '../icons.js';

/** How long a small cover must be wanted before it is fetched, so that flying past a long list fetches nothing. Milliseconds. */
const PATIENCE = 180;

/** Files that have no cover, so that they are not asked for again. @type {Set<string>} */
const without = new Set();

/**
 * A square cover with a drawn stand-in beneath it.
 * @param {import('/client/client.js').AmoraClient} client
 * @param {{ large?: boolean, loaded?: (image: HTMLImageElement | undefined) => void }} [options]
 */
export function makeCover(client, { large = false, loaded } = {}) {
  const element = h('span', { class: large ? 'cover large' : 'cover', 'aria-hidden': 'true' }, icon('note'));
  let shown = '';
  /** @param {string | undefined} file @param {string} [name] what the stand-in's colour is drawn from */
  const show = (file, name = file ?? '') => {
    const key = `${file}\n${name}`;
    if (key === shown) return;
    shown = key;
    element.style.setProperty('--hue', String(hueOf(name)));
    element.querySelector('img')?.remove();
    if (!file || without.has(file)) return loaded?.(undefined);
    const fetch = () => {
      if (key !== shown || (!large && !element.isConnected)) return;
      const image = h('img', { alt: '', decoding: 'async', draggable: 'false' });
      image.addEventListener('load', () => {
        image.classList.add('loaded');
        if (key === shown) loaded?.(image);
      });
      image.addEventListener('error', () => {
        image.remove();
        without.add(file);
        if (key === shown) loaded?.(undefined);
      });
      image.src = client.coverUrl(file);
      element.append(image);
    };
    if (large) fetch();
    else setTimeout(fetch, PATIENCE);
  };
  return { element, show };
}

/** @param {string} text */
function hueOf(text) {
  let hash = 7;
  for (const character of text) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 3600;
  return hash / 10;
}

/** The connection is new: what could not be fetched before may be there now. */
export function forgetMissingCovers() {
  without.clear();
}
