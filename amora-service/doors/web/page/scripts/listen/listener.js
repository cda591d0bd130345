import { JitterBuffer, RATE } from './jitter-buffer.js';

/** @typedef {'off' | 'starting' | 'on' | 'waiting'} ListenStatus */

/** A stream that says nothing for so long is opened again, milliseconds. */
const SILENCE = 4000;

/** Wait before another attempt, milliseconds. */
const RETRY = 1500;

/** How close to the end of what is ready the sound is faded, seconds. */
const NEARLY_DRY = 0.03;
const FADE = 0.01;

/** Plays in this browser what the box plays. */
export class Listener {
  /** @type {AudioContext | undefined} */
  #context;
  /** @type {GainNode | undefined} */
  #output;
  /** Fades the sound out when the network lets it run dry. @type {GainNode | undefined} */
  #guard;
  /** @type {import('/client/open-socket.js').Socket | undefined} */
  #socket;
  #buffer = new JitterBuffer();
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #watch;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retry;
  #faded = false;
  #heardAt = 0;
  #run = 0;
  /** @type {ListenStatus} */
  status = 'off';
  /** @type {Set<() => void>} */
  #listeners = new Set();

  /** @param {import('/client/client.js').AmoraClient} client */
  constructor(client) {
    this.client = client;
  }

  /** @param {() => void} listener @param {AbortSignal} signal */
  onChange(listener, signal) {
    this.#listeners.add(listener);
    signal.addEventListener('abort', () => this.#listeners.delete(listener));
  }

  /** What everything goes through, for whoever wants to look at the sound; nothing while it is off. */
  get output() {
    return this.#output;
  }

  get counters() {
    return this.#buffer.counters;
  }

  /** Begins. Call it from a click: browsers let no page make sound by itself. */
  async start() {
    if (this.#context) return;
    const context = new AudioContext({ sampleRate: RATE, latencyHint: 'playback' });
    this.#context = context;
    this.#guard = new GainNode(context);
    this.#output = new GainNode(context);
    this.#guard.connect(this.#output).connect(context.destination);
    this.#buffer = new JitterBuffer();
    this.#run += 1;
    this.#set('starting');
    await context.resume();
    if (this.#context !== context) return;
    this.#watch = setInterval(() => this.#look(), 10);
    this.#open();
  }

  async stop() {
    this.#run += 1;
    clearInterval(this.#watch);
    clearTimeout(this.#retry);
    this.#socket?.close();
    this.#socket = undefined;
    const context = this.#context;
    const output = this.#output;
    this.#context = undefined;
    this.#output = undefined;
    this.#guard = undefined;
    this.#set('off');
    if (!context || !output) return;
    output.gain.setTargetAtTime(0, context.currentTime, FADE / 2);
    setTimeout(() => context.close(), 80);
  }

  async #open() {
    const run = this.#run;
    this.#heardAt = performance.now();
    try {
      const socket = await this.client.openListenSocket();
      if (run !== this.#run) return socket.close();
      this.#socket = socket;
      socket.addEventListener('message', ({ data }) => {
        if (run === this.#run && data instanceof ArrayBuffer && data.byteLength >= 4) this.#play(new Int16Array(data, 0, (data.byteLength >> 2) * 2));
      });
      socket.addEventListener('close', () => {
        if (run === this.#run && socket === this.#socket) this.#again();
      });
    } catch {
      if (run === this.#run) this.#again();
    }
  }

  #again() {
    this.#socket?.close();
    this.#socket = undefined;
    this.#set('waiting');
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#open(), RETRY);
  }

  /** @param {Int16Array} block */
  #play(block) {
    const context = this.#context;
    if (!context || !this.#guard) return;
    this.#heardAt = performance.now();
    const piece = this.#buffer.push(block, context.currentTime * RATE);
    if (!piece || piece.left.length === 0) return;
    const buffer = context.createBuffer(2, piece.left.length, RATE);
    buffer.copyToChannel(/** @type {Float32Array<ArrayBuffer>} */ (piece.left), 0);
    buffer.copyToChannel(/** @type {Float32Array<ArrayBuffer>} */ (piece.right), 1);
    const source = new AudioBufferSourceNode(context, { buffer });
    source.connect(this.#guard);
    source.start(piece.start / RATE);
    source.addEventListener('ended', () => source.disconnect());
    if (this.#faded) {
      this.#faded = false;
      const { gain } = this.#guard;
      gain.cancelScheduledValues(0);
      gain.setTargetAtTime(1, Math.max(context.currentTime, piece.start / RATE), FADE / 3);
    }
    this.#set('on');
  }

  /** Every few milliseconds: is there sound left, and does the stream still speak? */
  #look() {
    const context = this.#context;
    if (!context || !this.#guard) return;
    const ready = this.#buffer.level(context.currentTime * RATE) / RATE;
    if (this.status === 'on' && ready < NEARLY_DRY && !this.#faded) {
      this.#faded = true;
      this.#guard.gain.cancelScheduledValues(0);
      this.#guard.gain.setTargetAtTime(0, context.currentTime, FADE / 3);
    }
    if (this.#socket && performance.now() - this.#heardAt > SILENCE) this.#again();
  }

  /** @param {ListenStatus} status */
  #set(status) {
    if (this.status === status) return;
    this.status = status;
    for (const listener of this.#listeners) listener();
  }
}
