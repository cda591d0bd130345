import { RATE } from '../listen/jitter-buffer.js';
import { Resampler } from '../listen/resampler.js';

/** @typedef {import('./talker.js').Speech} Speech */

/** The box takes its own echo away, and whoever talks shall be heard as they are. */
const CONSTRAINTS = { audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: true } };

/** @type {Record<string, string>} */
const PROBLEMS = {
  NotAllowedError: 'The browser does not let this page use the microphone. Allow it by the sign beside the address, then try again.',
  SecurityError: 'The browser does not let this page use the microphone. Allow it by the sign beside the address, then try again.',
  NotFoundError: 'The browser finds no microphone. Connect one, or let one of the voices speak.',
  NotReadableError: 'The microphone gives no sound. Another program may hold it.',
  AbortError: 'The microphone gives no sound. Another program may hold it.',
};

const GONE = 'The microphone was taken away.';

/** Why this page cannot have a microphone whatever is allowed; empty where it can. */
export function whyNoMicrophone() {
  if (!isSecureContext) return 'Browsers give no microphone to a page that comes over plain HTTP from another computer. Open it over HTTPS, or on the box itself as localhost.';
  return navigator.mediaDevices ? '' : 'This browser gives pages no microphone.';
}

/** @param {unknown} error */
function problemInWords(error) {
  return (error instanceof DOMException && PROBLEMS[error.name]) || `The microphone could not be opened: ${error instanceof Error ? error.message : error}`;
}

/** @typedef {{ stream: MediaStream, context: AudioContext, source: MediaStreamAudioSourceNode }} Opened */

/**
 * The browser's microphone, as the box takes it. It is asked for once, then kept and held back while nobody talks, until it is given
 * back.
 */
export class Microphone {
  /** The browser has given it. */
  ready = false;
  #end = new AbortController();
  /** @type {Promise<Opened> | undefined} */
  #opening;
  #changed;

  /** @param {() => void} changed @param {AbortSignal} signal gives it back */
  constructor(changed, signal) {
    this.#changed = changed;
    signal.addEventListener('abort', () => this.giveBack());
  }

  /**
   * What it hears, until the signal holds it back. Fails with words for people.
   * @param {AbortSignal} signal
   * @returns {Promise<Speech>}
   */
  async open(signal) {
    const impossible = whyNoMicrophone();
    if (impossible) throw new Error(impossible);
    const end = this.#end;
    try {
      this.#opening ??= this.#acquire(end.signal);
      const opened = await this.#opening;
      await opened.context.resume();
      return listen(opened, signal);
    } catch (error) {
      if (end.signal.aborted) return (_say, ended) => ended(GONE);
      this.giveBack();
      throw new Error(problemInWords(error), { cause: error });
    }
  }

  giveBack() {
    this.#end.abort();
    this.#end = new AbortController();
    this.#opening = undefined;
    this.ready = false;
    this.#changed();
  }

  /** @param {AbortSignal} signal */
  async #acquire(signal) {
    const opened = await acquire(signal);
    for (const track of opened.stream.getTracks()) track.addEventListener('ended', () => this.giveBack(), { signal });
    this.ready = true;
    this.#changed();
    return opened;
  }
}

/** A microphone that is held back. @param {AbortSignal} signal gives it back @returns {Promise<Opened>} */
async function acquire(signal) {
  /** @type {MediaStream | undefined} */
  let stream;
  /** @type {AudioContext | undefined} */
  let context;
  const close = () => {
    for (const track of stream?.getTracks() ?? []) track.stop();
    if (context?.state !== 'closed') context?.close();
  };
  signal.addEventListener('abort', close);
  try {
    stream = await navigator.mediaDevices.getUserMedia(CONSTRAINTS);
    enable(stream, false);
    signal.throwIfAborted();
    const connected = connect(stream);
    context = connected.context;
    await context.audioWorklet.addModule(new URL('./capture-worklet.js', import.meta.url));
    signal.throwIfAborted();
    return { stream, ...connected };
  } catch (error) {
    close();
    throw error;
  }
}

/** @param {MediaStream} stream @param {boolean} enabled */
function enable(stream, enabled) {
  for (const track of stream.getTracks()) track.enabled = enabled;
}

/** @param {MediaStream} stream */
function connect(stream) {
  const context = new AudioContext({ sampleRate: RATE });
  try {
    return { context, source: context.createMediaStreamSource(stream) };
  } catch {
    // Firefox connects a microphone only to a context of the microphone's own rate.
    context.close();
    const own = new AudioContext();
    return { context: own, source: own.createMediaStreamSource(stream) };
  }
}

/** @param {Opened} opened @param {AbortSignal} signal @returns {Speech} */
function listen({ stream, context, source }, signal) {
  return (say, ended) => {
    if (context.state === 'closed') return ended(GONE);
    const capture = new AudioWorkletNode(context, 'capture', { channelCount: 1, channelCountMode: 'explicit', outputChannelCount: [1] });
    const convert = converter(context.sampleRate);
    capture.port.onmessage = ({ data }) => say(convert(data));
    // Its output is silence; what leads nowhere is not run by every browser.
    source.connect(capture).connect(context.destination);
    enable(stream, true);
    signal.addEventListener('abort', () => {
      enable(stream, false);
      source.disconnect(capture);
      capture.disconnect();
      capture.port.postMessage('end');
    });
    for (const track of stream.getTracks()) track.addEventListener('ended', () => ended(GONE), { signal });
  };
}

/** Turns what the microphone gives into what the box takes. @param {number} rate frames per second that come */
export function converter(rate) {
  const resampler = new Resampler();
  return (/** @type {Float32Array} */ samples) => {
    const whole = Int16Array.from(samples, toInteger);
    if (rate === RATE) return whole;
    const stereo = new Int16Array(2 * whole.length);
    for (let index = 0; index < whole.length; index += 1) stereo.fill(whole[index], 2 * index, 2 * index + 2);
    return Int16Array.from(resampler.process(stereo, rate / RATE)[0], toInteger);
  };
}

/** @param {number} sample −1 to 1 */
export function toInteger(sample) {
  return Math.max(-32_768, Math.min(32_767, Math.round(sample * 32_768)));
}
