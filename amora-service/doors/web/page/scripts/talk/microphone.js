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

/** Why this page cannot have a microphone whatever is allowed; empty where it can. */
export function whyNoMicrophone() {
  if (!isSecureContext) return 'Browsers give no microphone to a page that comes over plain HTTP from another computer. Open it over HTTPS, or on the box itself as localhost.';
  return navigator.mediaDevices ? '' : 'This browser gives pages no microphone.';
}

/** @param {unknown} error */
function problemInWords(error) {
  return (error instanceof DOMException && PROBLEMS[error.name]) || `The microphone could not be opened: ${error instanceof Error ? error.message : error}`;
}

/**
 * The browser's microphone, as the box takes it. Fails with words for people.
 * @param {AbortSignal} signal ends it
 * @returns {Promise<Speech>}
 */
export async function openMicrophone(signal) {
  const impossible = whyNoMicrophone();
  if (impossible) throw new Error(impossible);
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
    if (signal.aborted) close();
    const opened = connect(stream);
    context = opened.context;
    await context.audioWorklet.addModule(new URL('./capture-worklet.js', import.meta.url));
    await context.resume();
    return begin(stream, opened);
  } catch (error) {
    close();
    throw new Error(problemInWords(error), { cause: error });
  }
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

/** @param {MediaStream} stream @param {{ context: AudioContext, source: MediaStreamAudioSourceNode }} opened @returns {Speech} */
function begin(stream, { context, source }) {
  return (say, ended) => {
    const capture = new AudioWorkletNode(context, 'capture', { channelCount: 1, channelCountMode: 'explicit', outputChannelCount: [1] });
    const convert = converter(context.sampleRate);
    capture.port.onmessage = ({ data }) => say(convert(data));
    // Its output is silence; what leads nowhere is not run by every browser.
    source.connect(capture).connect(context.destination);
    for (const track of stream.getTracks()) track.addEventListener('ended', () => ended('The microphone was taken away.'));
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
