/* A classic script, so that the right colours are there before anything is painted. */
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem('amora-theme');
  } catch {
    /* Storage is closed to us: follow the system. */
  }
  const dark = matchMedia('(prefers-color-scheme: dark)').matches;
  document.documentElement.dataset.theme = chosen === 'light' || chosen === 'dark' ? chosen : dark ? 'dark' : 'light';
})();
