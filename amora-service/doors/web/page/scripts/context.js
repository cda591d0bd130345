/**
 * What every part of the page is given.
 * @typedef {object} Context
 * @property {import('/client/client.js').AmoraClient} client
 * @property {import('./clock.js').PlaybackClock} clock
 * @property {import('./shell/toasts.js').Toasts} toasts
 * @property {(text: string) => void} announce says something to screen readers
 * @property {import('./listen/listener.js').Listener} listener
 * @property {import('./update/upload.js').Upload} upload the update that this page sends
 * @property {HTMLElement} scroller what scrolls: the main part of the page
 */

/**
 * One view: its heading gets the focus when it opens.
 * @typedef {(context: Context, path: string[], signal: AbortSignal) => HTMLElement} View
 */

export {};
