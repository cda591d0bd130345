import { JitterBuffer, RATE } from './jitter-buffer.js';
import { SoundStream } from './stream.js';

/** @typedef {import('./stream.js').StreamStatus} ListenStatus */

/**
 * What can be listened to: what the box plays, what its microphone hears, or what of that the hub of a call hears.
 * @typedef {'box' | 'microphone' | 'hub'} Source
 */

/** How close to the end of what is ready the sound is faded, seconds. */
const NEARLY_DRY = 0.03;
const FADE = 0.01;
/** When what has been faded out is cut off, milliseconds. */
const FADED = 80;

/** @typedef {{ gain: GainNode, end: () => void }} Tap the stream that is listened to, and how it ends */

/** Plays in this browser what the box plays or hears. */
export class Listener {
  /** @type {AudioContext | undefined} */
  #context;
  /** What everything goes through. @type {GainNode | undefined} */
  #output;
  /** Its gain fades the sound out when the network lets it run dry. @type {Tap | undefined} */
  #tap;
  /** One for each source: switching from what the microphone hears to what the hub hears is a cross-fade. @type {Record<Source, GainNode> | undefined} */
  #ways;
  #buffer = new JitterBuffer();
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #watch;
  #faded = false;
  /** @type {ListenStatus} */
  status = 'off';
  /** @type {Source} */
  source = 'box';
  #changes = new EventTarget();

  /** @param {import('/client/client.js').AmoraClient} client */
  constructor(client) {
    this.played = new SoundStream(() => client.openListenSocket());
    /** What the microphone hears, left, and what the hub hears, right. */
    this.heard = new SoundStream(() => client.openHearSocket());
  }

  /** @param {() => void} listener @param {AbortSignal} signal */
  onChange(listener, signal) {
    this.#changes.addEventListener('change', listener, { signal });
  }

  get counters() {
    return this.#buffer.counters;
  }

  /** Why nothing comes, where the box said so. */
  get reason() {
    return this.#stream.reason;
  }

  /** Begins, or goes on with another source. Call it from a click: browsers let no page make sound by itself. @param {Source} [source] */
  async start(source = 'box') {
    const before = this.#stream;
    const changed = source !== this.source;
    this.source = source;
    if (this.#context) {
      // Until the browser lets us sound there is no tap, and the first one will be into this source.
      if (this.#tap && this.#stream !== before) this.#tapInto();
      else this.#turn();
      if (changed) this.#changed();
      return;
    }
    const context = new AudioContext({ sampleRate: RATE, latencyHint: 'playback' });
    this.#context = context;
    this.#output = new GainNode(context);
    this.#output.connect(context.destination);
    this.#set('starting');
    await context.resume();
    if (this.#context !== context) return;
    this.#watch = setInterval(() => this.#look(), 10);
    this.#tapInto();
  }

  async stop() {
    clearInterval(this.#watch);
    this.#tap?.end();
    const context = this.#context;
    const output = this.#output;
    this.#context = undefined;
    this.#output = undefined;
    this.#tap = undefined;
    this.#ways = undefined;
    this.#set('off');
    if (!context || !output) return;
    output.gain.setTargetAtTime(0, context.currentTime, FADE / 2);
    setTimeout(() => context.close(), FADED);
  }

  get #stream() {
    return this.source === 'box' ? this.played : this.heard;
  }

  /** Listens to the stream of the present source, and to no other. */
  #tapInto() {
    const [context, output] = [this.#context, this.#output];
    if (!context || !output) return;
    this.#tap?.end();
    const gain = new GainNode(context);
    const channels = new ChannelSplitterNode(context, { numberOfOutputs: 2 });
    const ways = { box: new GainNode(context), microphone: new GainNode(context), hub: new GainNode(context) };
    for (const [source, way] of Object.entries(ways)) {
      way.gain.value = source === this.source ? 1 : 0;
      way.connect(output);
    }
    gain.connect(ways.box);
    gain.connect(channels);
    channels.connect(ways.microphone, 0);
    channels.connect(ways.hub, 1);
    const stream = this.#stream;
    this.#ways = ways;
    this.#buffer = new JitterBuffer();
    this.#faded = false;
    const give = stream.take({
      block: (block) => this.#play(block),
      change: () => {
        this.status = stream.status;
        this.#changed();
      },
    });
    this.#tap = {
      gain,
      end: () => {
        give();
        gain.gain.cancelScheduledValues(0);
        gain.gain.setTargetAtTime(0, context.currentTime, FADE / 3);
        setTimeout(() => [gain, channels, ...Object.values(ways)].forEach((node) => node.disconnect()), FADED);
      },
    };
    this.#set(stream.status);
  }

  /** Turns from one channel to the other without a click. */
  #turn() {
    const [context, ways] = [this.#context, this.#ways];
    if (!context || !ways) return;
    for (const [source, way] of Object.entries(ways)) way.gain.setTargetAtTime(source === this.source ? 1 : 0, context.currentTime, FADE / 3);
  }

  /** @param {Int16Array} block */
  #play(block) {
    const context = this.#context;
    const gain = this.#tap?.gain;
    if (!context || !gain) return;
    const piece = this.#buffer.push(block, context.currentTime * RATE);
    if (!piece || piece.left.length === 0) return;
    const buffer = context.createBuffer(2, piece.left.length, RATE);
    buffer.copyToChannel(/** @type {Float32Array<ArrayBuffer>} */ (piece.left), 0);
    buffer.copyToChannel(/** @type {Float32Array<ArrayBuffer>} */ (piece.right), 1);
    const source = new AudioBufferSourceNode(context, { buffer });
    source.connect(gain);
    source.start(piece.start / RATE);
    source.addEventListener('ended', () => source.disconnect());
    if (this.#faded) {
      this.#faded = false;
      gain.gain.cancelScheduledValues(0);
      gain.gain.setTargetAtTime(1, Math.max(context.currentTime, piece.start / RATE), FADE / 3);
    }
  }

  /** Every few milliseconds: is there sound left? */
  #look() {
    const context = this.#context;
    const gain = this.#tap?.gain;
    if (!context || !gain || this.#faded) return;
    if (this.#buffer.level(context.currentTime * RATE) / RATE >= NEARLY_DRY) return;
    this.#faded = true;
    gain.gain.cancelScheduledValues(0);
    gain.gain.setTargetAtTime(0, context.currentTime, FADE / 3);
  }

  /** @param {ListenStatus} status */
  #set(status) {
    if (this.status === status) return;
    this.status = status;
    this.#changed();
  }

  #changed() {
    this.#changes.dispatchEvent(new Event('change'));
  }
}
