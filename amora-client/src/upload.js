import { AmoraError } from './errors.js';

/** Longest wait for the answer once everything is sent, milliseconds: the box still writes and checks what came last. */
export const ANSWER_PATIENCE = 15 * 60_000;

/**
 * What can be sent: a file or bytes; in Node a stream of bytes too. `openAsBlob` of `node:fs` makes a `Blob` of a file.
 * @typedef {Blob | Uint8Array | AsyncIterable<Uint8Array>} UploadSource
 */

/**
 * @typedef {object} UploadOptions
 * @property {(sent: number, size: number | undefined) => void} [progress] called as bytes leave
 * @property {AbortSignal} [signal] ends it; the promise rejects with the code `cancelled`
 * @property {number} [size] bytes of a stream, where they are known
 * @property {number} [patience] longest time in which no byte moves, milliseconds; two minutes when missing
 */

/**
 * @typedef {UploadOptions & { url: URL, headers: Record<string, string>, source: UploadSource }} Upload
 */

/** @typedef {{ status: number, statusText: string, retryAfter: string | null, text: string }} Answer */

/**
 * Posts something large without holding all of it, and tells how far it is.
 * @param {Upload} upload
 * @returns {Promise<Answer>}
 */
export async function send(upload) {
  const size = sizeOf(upload.source) ?? upload.size;
  if (typeof process === 'object' && process.versions?.node && typeof document === 'undefined') {
    const { sendByNode } = await import('./node-upload.js');
    return sendByNode({ ...upload, size });
  }
  return sendByBrowser({ ...upload, size });
}

/** @param {Upload} upload @returns {Promise<Answer>} */
function sendByBrowser({ url, headers, source, size, progress, signal, patience = 120_000 }) {
  return new Promise((resolve, reject) => {
    if (!(source instanceof Blob || source instanceof Uint8Array)) {
      throw new TypeError('browsers send a Blob, a File or a Uint8Array');
    }
    if (signal?.aborted) throw cancelled();
    // `fetch` does not tell how much of a body has left.
    const request = new XMLHttpRequest();
    request.open('POST', url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    const end = (/** @type {() => void} */ settle) => {
      clock.stop();
      signal?.removeEventListener('abort', cancel);
      settle();
    };
    const fail = (/** @type {AmoraError} */ error) => {
      end(() => reject(error));
      request.abort();
    };
    const clock = startClock(patience, (error) => fail(error));
    const cancel = () => fail(cancelled());
    signal?.addEventListener('abort', cancel);
    request.upload.onprogress = ({ loaded }) => {
      clock.wind(patience);
      progress?.(loaded, size);
    };
    request.upload.onload = () => {
      clock.wind(ANSWER_PATIENCE);
      progress?.(size ?? 0, size);
    };
    request.onload = () => end(() => resolve({
      status: request.status,
      statusText: request.statusText,
      retryAfter: request.getResponseHeader('Retry-After'),
      text: request.responseText,
    }));
    request.onerror = () => end(() => reject(broken()));
    // As a view of one type or the other, bytes are a body.
    request.send(/** @type {Blob} */ (source));
  });
}

/**
 * Gives up when nothing moves for too long.
 * @param {number} patience
 * @param {(error: AmoraError) => void} end
 */
export function startClock(patience, end) {
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;
  const wind = (/** @type {number} */ time) => {
    clearTimeout(timer);
    timer = setTimeout(() => end(new AmoraError('timed_out', `nothing moved for ${time / 1000} s`)), time);
  };
  wind(patience);
  return { wind, stop: () => clearTimeout(timer) };
}

export const cancelled = () => new AmoraError('cancelled', 'the upload was called off');

/** @param {unknown} [cause] */
export const broken = (cause) => new AmoraError('offline', 'the connection to the box broke off during the upload', { cause });

/** @param {UploadSource} source */
function sizeOf(source) {
  if (source instanceof Blob) return source.size;
  return source instanceof Uint8Array ? source.byteLength : undefined;
}
