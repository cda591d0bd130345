import { fill, h, setAttribute, setText } from '../dom.js';
import { icon } from '../icons.js';
import { LevelBar, clearCanvas } from '../sound/level-bar.js';
import { sentence } from '../update/words.js';
import { watch, watchConnection } from '../watch.js';
import { openMicrophone, whyNoMicrophone } from './microphone.js';
import { loadVoices, openVoice } from './voices.js';

const FLOOR = -60;

/**
 * Talking to the box: into the simulated room from here; a real one hears with its own microphone.
 * @param {import('../context.js').Context} context
 * @param {import('./talker.js').Talker} talker
 * @param {AbortSignal} signal
 */
export function makeSpeakCard({ client }, talker, signal) {
  const text = h('p', { class: 'hushed', role: 'status' });
  const lost = h('p', { class: 'hushed' });
  const problem = h('p', { class: 'problem', role: 'alert' });
  const button = h('button', { class: 'button main', type: 'button' });
  const canvas = h('canvas', { class: 'own-level', 'aria-hidden': 'true', hidden: true });
  const share = h('i', {});
  const amount = h('div', { class: 'amount', 'aria-hidden': 'true', hidden: true }, share);
  const list = h('div', { class: 'voices', role: 'group', 'aria-label': 'Voices' });
  const tools = h('div', { class: 'section' }, h('div', {}, button), canvas, amount, h('h3', {}, 'Or let somebody else say it'), list);
  const card = h('section', { class: 'card section', 'aria-label': 'Talk to the box' }, h('h2', {}, 'Talk to the box'), text, lost, problem, tools);

  /** @type {import('./voices.js').Voice[]} */
  let voices = [];
  /** @type {Map<string, HTMLButtonElement>} */
  const buttons = new Map();
  loadVoices().then((loaded) => {
    voices = loaded;
    fill(list, voices.map((voice) => {
      const each = h('button', { class: 'voice', type: 'button', 'aria-pressed': 'false' }, h('span', { class: 'disc' }, icon('play')), h('span', { class: 'words' }, h('strong', {}, voice.label), h('span', {}, `“${voice.words}”`)));
      each.addEventListener('click', () => (talker.who === voice.id ? talker.stop() : talker.talk(voice.id, (ends) => openVoice(voice, ends))));
      buttons.set(voice.id, each);
      return each;
    }));
    show();
  }, (error) => {
    if (!signal.aborted) fill(list, h('p', { class: 'hushed' }, sentence(String(error?.message ?? error))));
  });

  button.addEventListener('click', () => (talker.who === 'microphone' ? talker.stop() : talker.talk('microphone', openMicrophone)));

  const show = () => {
    const kind = client.state?.audio?.card.kind;
    const stranger = client.online && !client.connection.authenticated;
    const [by, own] = [talker.who, talker.who === 'microphone'];
    const impossible = whyNoMicrophone();
    tools.hidden = kind !== 'room';
    for (const [id, each] of buttons) {
      each.disabled = stranger;
      setAttribute(each, 'aria-pressed', by === id);
      if (each.dataset.saying !== String(by === id)) fill(/** @type {HTMLElement} */ (each.firstElementChild), icon(by === id ? 'close' : 'play'));
      each.dataset.saying = String(by === id);
    }
    button.disabled = stranger || Boolean(impossible);
    if (button.dataset.talking !== String(own)) fill(button, icon(own ? 'close' : 'microphone'), own ? 'Stop talking' : 'Talk with your microphone');
    button.dataset.talking = String(own);
    canvas.hidden = !own || talker.status !== 'talking';
    amount.hidden = talker.progress === undefined;
    share.style.setProperty('--share', `${100 * (talker.progress ?? 0)}%`);
    setText(text, kind !== 'room' ? elsewhere(kind) : stranger ? 'Log in to talk.' : inWords(talker.status, own, voices.find(({ id }) => id === by)?.label ?? '', impossible));
    setText(lost, talker.dropped > 0 ? `${(talker.dropped / 48_000).toFixed(1)} seconds were lost on the way.` : '');
    lost.hidden = talker.dropped === 0;
    setText(problem, sentence(talker.problem));
    problem.hidden = !talker.problem;
  };
  talker.onChange(show, signal);
  watch(client, (state) => state.audio?.card.kind, (kind) => {
    if (kind !== 'room') talker.stop();
    show();
  }, signal);
  watchConnection(client, show, signal);

  const bar = new LevelBar(FLOOR);
  let frame = 0;
  const draw = (/** @type {number} */ time) => {
    frame = requestAnimationFrame(draw);
    const picture = canvas.hidden ? undefined : clearCanvas(canvas);
    if (!picture) return;
    const { pen, width, height, scale } = picture;
    bar.move(talker.reading.rms, talker.reading.peak, time);
    bar.draw(pen, { left: 0, top: 3 * scale, width, thick: height - 6 * scale, scale });
  };
  frame = requestAnimationFrame(draw);
  signal.addEventListener('abort', () => cancelAnimationFrame(frame));
  return card;
}

/** @param {import('./talker.js').TalkStatus} status @param {boolean} own @param {string} label @param {string} impossible */
function inWords(status, own, label, impossible) {
  if (status === 'starting') return own ? 'Waiting for your microphone…' : 'One moment…';
  if (status === 'talking') return own ? 'Your microphone is open: the box hears you.' : `The box hears: ${label}.`;
  return impossible || 'The box lives in a simulated room. What you say is heard there, with what the box itself plays.';
}

/** @param {string | undefined} kind */
function elsewhere(kind) {
  return kind === 'alsa' ? 'This box hears with its own microphone: talk to it where it stands.' : 'This box has no microphone.';
}
