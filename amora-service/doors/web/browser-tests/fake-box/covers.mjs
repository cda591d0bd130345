/** Cover art drawn from the album's name. */

const PALETTES = [['#e2572b', '#f4b860', '#3d1308', '#fbe3c0'], ['#1d6f6a', '#7fc8a9', '#0b2b2f', '#e3f6e8'], ['#3557a8', '#9cb9f2', '#0d1a3f', '#e5ecfd'], ['#8a2c6d', '#ee9ac2', '#2a0a24', '#fbe2ef'], ['#b98a14', '#f3d98b', '#3a2803', '#fff5d6'], ['#56606e', '#aab6c4', '#14181e', '#e9eef4']];

/** @param {string} album */
export function drawCover(album) {
  let hash = 5;
  for (const letter of album) hash = (hash * 33 + letter.charCodeAt(0)) >>> 0;
  const [main, light, dark, pale] = PALETTES[hash % PALETTES.length];
  const pick = (/** @type {number} */ shift, /** @type {number} */ range) => (hash >>> shift) % range;
  const shapes = [
    () => Array.from({ length: 7 }, (_, index) => `<circle cx="${200 + pick(index, 60) - 30}" cy="${210}" r="${170 - index * 24}" fill="${index % 2 ? main : light}" opacity=".92"/>`).join(''),
    () => Array.from({ length: 9 }, (_, index) => `<path d="M-20 ${120 + index * 34}Q 100 ${60 + pick(index, 120) + index * 26} 200 ${130 + index * 30}T 420 ${110 + index * 34}V420H-20Z" fill="${index % 2 ? main : index % 3 ? light : pale}" opacity=".72"/>`).join(''),
    () => Array.from({ length: 5 }, (_, row) => Array.from({ length: 5 }, (_, column) => `<path d="${pick(row * 5 + column, 2) ? 'M0 0H80A80 80 0 0 1 0 80Z' : 'M80 80H0A80 80 0 0 1 80 0Z'}" transform="translate(${column * 80} ${row * 80})" fill="${[light, pale, main, dark][pick(row + column * 3, 4)]}"/>`).join('')).join(''),
    () => `<rect x="60" y="60" width="280" height="280" fill="${light}"/><circle cx="200" cy="200" r="104" fill="${dark}"/><path d="M200 96A104 104 0 0 1 200 304Z" fill="${pale}"/>`,
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 400" width="400" height="400"><rect width="400" height="400" fill="${pick(3, 2) ? dark : main}"/>${shapes[pick(7, shapes.length)]()}</svg>`;
}
