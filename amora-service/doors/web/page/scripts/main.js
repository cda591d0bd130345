import { AmoraClient } from '/client/index.js';
import { PlaybackClock } from './clock.js';
import { takeCode } from './routes.js';
import { openShell } from './shell/shell.js';
import { makeLogin } from './views/login.js';
import { makeWaiting } from './views/waiting.js';

const client = new AmoraClient({ code: takeCode() });
const clock = new PlaybackClock();

client.on('state', ({ player }) => {
  if (player) clock.observe(player);
});

/** What the document shows, and how it is taken away. @type {{ what: 'login' | 'shell' | 'waiting', end: () => void } | undefined} */
let shown;

client.on('connection', ({ status, error }) => {
  if (status === 'online') {
    if (client.http.boxTime) clock.start(client.http.boxTime);
    if (shown?.what !== 'shell') showShell();
  } else if (status === 'login_required' && shown?.what !== 'login') {
    showLogin(error?.message);
  } else if (status === 'reconnecting') {
    clock.restart();
    if (!shown) showWaiting();
  }
});
window.addEventListener('online', () => client.retryNow());
window.addEventListener('hashchange', () => {
  const code = takeCode();
  if (code) client.login(code).catch(() => showLogin('This code was not right.'));
});
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') client.retryNow();
});
client.connect().catch(() => {});

function showShell() {
  shown?.end();
  const ended = new AbortController();
  openShell(client, clock, ended.signal, () => showLogin());
  shown = { what: 'shell', end: () => ended.abort() };
}

function showWaiting() {
  const waiting = makeWaiting(client);
  document.body.replaceChildren(waiting);
  shown = { what: 'waiting', end: () => waiting.remove() };
}

/** @param {string} [problem] */
function showLogin(problem) {
  shown?.end();
  const login = makeLogin(client, problem);
  document.body.replaceChildren(login);
  document.title = 'Amora';
  shown = { what: 'login', end: () => login.remove() };
}
