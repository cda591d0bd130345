import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { AmoraError } from './errors.js';
import { ANSWER_PATIENCE, broken, cancelled, startClock } from './upload.js';

/** @typedef {import('./upload.js').Upload} Upload */
/** @typedef {import('./upload.js').Answer} Answer */

/** Bytes handed on at once. */
const PIECE = 64 * 1024;
/** How long the box may take to say whether it wants the body, milliseconds; proxies may swallow that word. */
const CONTINUE_PATIENCE = 3000;
/** Largest answer taken. */
const MAX_ANSWER = 1024 * 1024;

/** @param {Upload} upload @returns {Promise<Answer>} */
export function sendByNode({ url, headers, source, size, progress, signal, patience = 120_000 }) {
  return new Promise((resolve, reject) => {
    const length = size === undefined ? {} : { 'Content-Length': String(size) };
    const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, {
      method: 'POST',
      // A refusal then comes before the body has to go, and is not lost in a connection that breaks off.
      headers: { ...headers, ...length, Expect: '100-continue' },
    });
    let ended = false;
    let answering = false;
    const end = (/** @type {() => void} */ settle) => {
      if (ended) return;
      ended = true;
      clock.stop();
      signal?.removeEventListener('abort', cancel);
      settle();
      request.destroy();
    };
    const fail = (/** @type {unknown} */ error) => end(() => reject(error));
    const clock = startClock(patience, fail);
    const cancel = () => fail(cancelled());
    signal?.addEventListener('abort', cancel);
    if (signal?.aborted) cancel();
    request.on('error', (error) => fail(broken(error)));
    request.on('response', (response) => {
      answering = true;
      read(response).then((answer) => end(() => resolve(answer)), (error) => fail(broken(error)));
    });
    request.flushHeaders();
    const wanted = new Promise((go) => {
      const timer = setTimeout(go, CONTINUE_PATIENCE);
      for (const event of ['continue', 'response', 'close']) request.once(event, go);
      request.once('close', () => clearTimeout(timer));
    });
    const closed = new Promise((go) => request.once('close', go));
    const feed = async () => {
      await wanted;
      if (ended || answering) return;
      let sent = 0;
      for await (const piece of pieces(source)) {
        sent += piece.byteLength;
        if (size !== undefined && sent > size) break;
        await Promise.race([new Promise((gone) => request.write(piece, gone)), closed]);
        if (ended || answering) return;
        clock.wind(patience);
        progress?.(sent, size);
      }
      if (ended || answering) return;
      if (size !== undefined && sent !== size) {
        return fail(new AmoraError('invalid_parameter', `the stream has ${sent < size ? 'fewer' : 'more'} than the ${size} bytes that were announced`, { field: 'size' }));
      }
      request.end();
      clock.wind(ANSWER_PATIENCE);
    };
    feed().catch(fail);
  });
}

/** @param {import('./upload.js').UploadSource} source */
async function* pieces(source) {
  const chunks = source instanceof Blob ? source.stream() : source instanceof Uint8Array ? [source] : source;
  for await (const chunk of /** @type {AsyncIterable<Uint8Array>} */ (chunks)) {
    for (let at = 0; at < chunk.byteLength; at += PIECE) yield chunk.subarray(at, at + PIECE);
  }
}

/** @param {import('node:http').IncomingMessage} response @returns {Promise<Answer>} */
async function read(response) {
  const parts = [];
  let length = 0;
  for await (const part of response) {
    length += part.length;
    if (length > MAX_ANSWER) throw new Error('the answer is too long');
    parts.push(part);
  }
  return {
    status: response.statusCode ?? 0,
    statusText: response.statusMessage ?? '',
    retryAfter: response.headers['retry-after'] ?? null,
    text: Buffer.concat(parts).toString(),
  };
}
