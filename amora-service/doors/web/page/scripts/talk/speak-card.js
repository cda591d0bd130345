import { fill, h, setAttribute, setText } from '../dom.js';
import { icon } from '../icons.js';
import { LevelBar, clearCanvas } from '../sound/level-bar.js';
import { sentence } from '../update/words.js';
import { watch, watchConnection } from '../watch.js';
import { makeHoldButton } from './hold-button.js';
import { Microphone, whyNoMicrophone } from './microphone.js';
import { loadVoices, openVoice } from './voices.js';

const FLOOR = -60;
/** When the level of who has talked is at rest, and time between two pictures of it then, milliseconds. */
const SETTLED = 5000;
const STILL = 1000;

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
  const button = h('button', { class: 'button', type: 'button' });
  let tapped = false;
  const hold = makeHoldButton([icon('talk'), 'Hold to talk'], {
    press: () => {
      tapped = false;
      talker.talk('hold', (ends) => microphone.open(ends));
    },
    release: () => {
      if (talker.who !== 'hold') return;
      tapped = talker.status === 'starting';
      talker.stop();
    },
    clicked: () => {
      tapped = true;
      show();
    },
  }, signal);
  const canvas = h('canvas', { class: 'own-level', 'aria-hidden': 'true' });
  const list = h('div', { class: 'voices', role: 'group', 'aria-label': 'Voices' });
  // Words come and go below what is held, so that it stays where it is.
  const ways = h('div', { class: 'section' }, h('div', { class: 'ways' }, hold.button, button), canvas);
  const others = h('div', { class: 'section' }, h('h3', {}, 'Or let somebody else say it'), list);
  const card = h('section', { class: 'card section', 'aria-label': 'Talk to the box' }, h('h2', {}, 'Talk to the box'), ways, text, lost, problem, others);

  const microphone = new Microphone(() => show(), signal);
  /** @type {import('./voices.js').Voice[]} */
  let voices = [];
  /** @type {Map<string, HTMLButtonElement>} */
  const buttons = new Map();
  loadVoices().then((loaded) => {
    voices = loaded;
    fill(list, voices.map((voice) => {
      const each = h('button', { class: 'voice', type: 'button', 'aria-pressed': 'false' }, h('span', { class: 'disc' }, icon('play')), h('span', { class: 'words' }, h('strong', {}, voice.label), h('span', {}, `“${voice.words}”`)), h('i', { class: 'share' }));
      each.addEventListener('click', () => (talker.who === voice.id ? talker.stop() : talker.talk(voice.id, (ends) => openVoice(voice, ends))));
      buttons.set(voice.id, each);
      return each;
    }));
    show();
  }, (error) => {
    if (!signal.aborted) fill(list, h('p', { class: 'hushed' }, sentence(String(error?.message ?? error))));
  });

  button.addEventListener('click', () => {
    if (talker.who === 'microphone') return talker.stop();
    talker.talk('microphone', (ends) => {
      // Who closes it wants it closed; between two holds it is only held back.
      ends.addEventListener('abort', () => microphone.giveBack());
      return microphone.open(ends);
    });
  });

  const show = () => {
    const kind = client.state?.audio?.card.kind;
    const stranger = client.online && !client.connection.authenticated;
    const [by, open, held] = [talker.who, talker.who === 'microphone', talker.who === 'hold'];
    if (by) tapped = false;
    const impossible = whyNoMicrophone();
    ways.hidden = others.hidden = kind !== 'room';
    for (const [id, each] of buttons) {
      each.disabled = stranger;
      setAttribute(each, 'aria-pressed', by === id);
      if (each.dataset.saying !== String(by === id)) fill(/** @type {HTMLElement} */ (each.firstElementChild), icon(by === id ? 'close' : 'play'));
      each.dataset.saying = String(by === id);
      each.style.setProperty('--share', String(by === id ? talker.progress ?? 0 : 0));
    }
    hold.button.disabled = button.disabled = stranger || Boolean(impossible);
    setAttribute(hold.button, 'aria-pressed', held);
    hold.button.dataset.heard = String(held && talker.status === 'talking');
    if (button.dataset.talking !== String(open)) fill(button, icon(open ? 'close' : 'microphone'), open ? 'Close your microphone' : 'Open your microphone');
    button.dataset.talking = String(open);
    setText(text, kind !== 'room' ? elsewhere(kind) : stranger ? 'Log in to talk.' : by ? talkingInWords(talker, voices.find(({ id }) => id === by)?.label ?? '') : silentInWords(impossible, microphone.ready, tapped));
    setText(lost, talker.dropped > 0 ? `${(talker.dropped / 48_000).toFixed(1)} seconds were lost on the way.` : '');
    lost.hidden = talker.dropped === 0;
    setText(problem, sentence(talker.problem));
    problem.hidden = !talker.problem;
  };
  talker.onChange(show, signal);
  watch(client, (state) => state.audio?.card.kind, (kind) => {
    if (kind !== 'room') {
      hold.letGo();
      talker.stop();
    }
    show();
  }, signal);
  watchConnection(client, ({ status, authenticated }) => {
    if (status !== 'online' || !authenticated) hold.letGo();
    show();
  }, signal);

  const bar = new LevelBar(FLOOR);
  let frame = 0;
  let [movedAt, drawnAt] = [-Infinity, -Infinity];
  const draw = (/** @type {number} */ time) => {
    frame = requestAnimationFrame(draw);
    if (talker.status === 'talking') movedAt = time;
    if (time - movedAt > SETTLED && time - drawnAt < STILL) return;
    drawnAt = time;
    const picture = clearCanvas(canvas);
    if (!picture) return;
    const { pen, width, height, scale } = picture;
    bar.move(talker.reading.rms, talker.reading.peak, time);
    bar.draw(pen, { left: 0, top: 3 * scale, width, thick: height - 6 * scale, scale });
  };
  frame = requestAnimationFrame(draw);
  signal.addEventListener('abort', () => cancelAnimationFrame(frame));
  return card;
}

/** @param {import('./talker.js').Talker} talker @param {string} label */
function talkingInWords({ status, who }, label) {
  const ready = status === 'talking';
  switch (who) {
    case 'hold': return ready ? 'The box hears you. Let go to stop.' : 'Waiting for your microphone… Keep holding.';
    case 'microphone': return ready ? 'Your microphone is open: the box hears you.' : 'Waiting for your microphone…';
    default: return ready ? `The box hears: ${label}.` : 'One moment…';
  }
}

/** @param {string} impossible @param {boolean} ready @param {boolean} tapped it was let go before it was open */
function silentInWords(impossible, ready, tapped) {
  if (impossible) return impossible;
  if (ready) return 'Your microphone is ready, and held back: hold the button to be heard.';
  return tapped ? 'Hold the button down for as long as you speak.' : 'The box lives in a simulated room. What you say is heard there, with what the box itself plays.';
}

/** @param {string | undefined} kind */
function elsewhere(kind) {
  return kind === 'alsa' ? 'This box hears with its own microphone: talk to it where it stands.' : 'This box has no microphone.';
}
