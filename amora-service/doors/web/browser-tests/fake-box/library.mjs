/** A small library of music that does not exist. */

/** @typedef {import('/client/state.d.ts').Song} Song */

const ALBUMS = [
  ['Marisol Vega', 'Salt & Amber', ['First Light on the Quay', 'Salt & Amber', 'Lanterns', 'A Map of Small Streets', 'Undertow', 'The Long Way Home']],
  ['The Copper Kettles', 'Kitchen Dances', ['Boil', 'Two Left Shoes', 'Kitchen Dance No. 3', 'Flour on the Floor', 'Slow Steam']],
  ['Ingrid Solberg Trio', 'Northern Rooms', ['Birch', 'Snow on Wires', 'Northern Rooms', 'The Heater Song', 'Blue Hour, Tromsø', 'Coda for a Closed Café']],
  ['Paper Lions', 'Folded', ['Crease', 'Origami Hearts', 'Folded', 'Tearing', 'Glue']],
  ['Okonkwo & Daughters', 'Harmattan', ['Dust Devils', 'Harmattan', 'Market Day', 'Grandmother Said', 'Red Road']],
  ['Lumen', 'Slow Machines', ['Boot', 'Idle', 'Slow Machines', 'Clockwork Orchard', 'Standby']],
  ['Elena Marchetti', 'Nocturnes, Vol. 2', ['Nocturne in the Rain', 'Nocturne for the Neighbours', 'Nocturne with Refrigerator', 'Nocturne at 4 a.m.']],
  ['The Night Ferry', 'Crossings', ['Departure', 'Deck Chairs', 'Mid-Channel', 'Foghorn Waltz', 'Arrival']],
  ['Sunday Orchard', 'Windfalls', ['Bramble', 'Cider', 'Windfalls', 'Wasps']],
  ['Yuki Arata', 'Glass Garden', ['Moss', 'Koi', 'Stone Lantern', 'Glass Garden', 'Rain Chain']],
];

/** @returns {Song[]} */
export function makeLibrary() {
  let seed = 41;
  return ALBUMS.flatMap(([artist, album, titles]) => /** @type {string[]} */ (titles).map((title, index) => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return { file: `${artist}/${album}/${String(index + 1).padStart(2, '0')} ${title}.flac`, title, artist: String(artist), album: String(album), track: index + 1, duration: 150 + (seed % 190) };
  }));
}
