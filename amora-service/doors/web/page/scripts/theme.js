/** @typedef {'light' | 'dark'} Theme */

const KEY = 'amora-theme';
const system = matchMedia('(prefers-color-scheme: dark)');
const changes = new EventTarget();

system.addEventListener('change', ({ matches }) => {
  if (stored() === null) apply(matches ? 'dark' : 'light');
});

/** @returns {Theme} */
export function theme() {
  return document.documentElement.dataset.theme === 'dark' ? 'dark' : 'light';
}

/** Calls `listener` now and with each change. @param {(theme: Theme) => void} listener @param {AbortSignal} signal */
export function watchTheme(listener, signal) {
  changes.addEventListener('change', () => listener(theme()), { signal });
  listener(theme());
}

/** The other theme, kept for next time unless it is the system's own. */
export function toggleTheme() {
  const next = theme() === 'dark' ? 'light' : 'dark';
  try {
    if ((next === 'dark') === system.matches) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, next);
  } catch {
    // Storage is closed to us: the choice lasts as long as the page.
  }
  apply(next);
}

function stored() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/** @param {Theme} next */
function apply(next) {
  document.documentElement.dataset.theme = next;
  changes.dispatchEvent(new Event('change'));
}
