/** Views live behind the fragment of the address: `#/library/artists/Nina%20Simone`. */

/** @param {string} hash @returns {string[]} the decoded parts; never empty */
export function readRoute(hash) {
  const parts = hash.replace(/^#\/?/, '').split('/').filter(Boolean).map(decode);
  return parts.length > 0 ? parts : ['now'];
}

/** @param {...string} parts */
export function route(...parts) {
  return `#/${parts.map(encodeURIComponent).join('/')}`;
}

/** The login code from `#code=…`, which is then taken out of the address and the history. */
export function takeCode() {
  const match = /^#code=([^&]+)/.exec(location.hash);
  if (!match) return undefined;
  history.replaceState(null, '', `${location.pathname}${location.search}`);
  return decode(match[1]);
}

/** @param {string} part */
function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
