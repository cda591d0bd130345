/**
 * A WebSocket client for Node, which has none of its own before version 22 and none that sends cookies by the standard.
 * It has the part of the browser's WebSocket interface that this package uses.
 */
import { createHash, randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

/** RFC 6455 §1.3. */
const HANDSHAKE_KEY = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

/** Largest message taken; a state document is far smaller. */
const MAX_MESSAGE = 16 * 1024 * 1024;

export class NodeSocket extends EventTarget {
  /** @type {import('node:net').Socket | import('node:stream').Duplex | undefined} */
  #socket;
  /** @type {Buffer} */
  #input = Buffer.alloc(0);
  /** @type {Buffer[]} */
  #fragments = [];
  #fragmentsLength = 0;
  #opcode = 0;
  #closed = false;

  /**
   * @param {string} url
   * @param {{ headers?: Record<string, string>, handshakeTimeout?: number }} [options]
   */
  constructor(url, { headers = {}, handshakeTimeout = 10_000 } = {}) {
    super();
    this.binaryType = 'arraybuffer';
    const target = new URL(url);
    const secure = target.protocol === 'wss:';
    target.protocol = secure ? 'https:' : 'http:';
    const key = randomBytes(16).toString('base64');
    const request = (secure ? httpsRequest : httpRequest)(target, {
      headers: {
        ...headers,
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': key,
      },
      timeout: handshakeTimeout,
    });
    this.request = request;
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', () => this.#end(1006, ''));
    request.on('response', (response) => {
      response.resume();
      this.#end(1006, `the box answered ${response.statusCode}`);
    });
    request.on('upgrade', (response, socket, head) => {
      const expected = createHash('sha1').update(key + HANDSHAKE_KEY).digest('base64');
      if (this.#closed || response.headers['sec-websocket-accept'] !== expected) {
        socket.destroy();
        return this.#end(1006, 'the handshake failed');
      }
      this.#open(socket, head);
    });
    request.end();
  }

  /** @param {string | ArrayBufferView<ArrayBuffer>} message */
  send(message) {
    if (typeof message === 'string') this.#frame(TEXT, Buffer.from(message));
    else this.#frame(BINARY, Buffer.from(message.buffer, message.byteOffset, message.byteLength));
  }

  /** As in a browser: 0 while it opens, 1 open, 3 closed. */
  get readyState() {
    return this.#closed ? 3 : this.#socket ? 1 : 0;
  }

  /** Bytes that the network has not taken yet. */
  get bufferedAmount() {
    return this.#socket?.writableLength ?? 0;
  }

  /** @param {number} [code] */
  close(code = 1000) {
    if (this.#socket && !this.#closed) {
      const body = Buffer.alloc(2);
      body.writeUInt16BE(code);
      this.#frame(CLOSE, body);
      this.#socket.end();
    } else {
      this.request.destroy();
    }
    this.#end(code, '');
  }

  /**
   * @param {import('node:stream').Duplex} socket
   * @param {Buffer} head
   */
  #open(socket, head) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', () => this.#end(1006, ''));
    socket.on('close', () => this.#end(1006, ''));
    this.dispatchEvent(new Event('open'));
    if (head.length > 0) this.#receive(head);
  }

  /** @param {Buffer} chunk */
  #receive(chunk) {
    this.#input = this.#input.length > 0 ? Buffer.concat([this.#input, chunk]) : chunk;
    while (!this.#closed) {
      const frame = readFrame(this.#input);
      if (frame === undefined) return;
      if (frame === 'bad') return this.#fail(1002);
      if (frame === 'too large') return this.#fail(1009);
      this.#input = frame.rest;
      this.#take(frame);
    }
  }

  /** @param {Frame} frame */
  #take({ final, opcode, payload }) {
    switch (opcode) {
      case PING:
        return this.#frame(PONG, payload);
      case PONG:
        return;
      case CLOSE:
        this.#frame(CLOSE, payload.subarray(0, 2));
        this.#socket?.end();
        return this.#end(payload.length >= 2 ? payload.readUInt16BE() : 1005, payload.subarray(2).toString());
      case TEXT:
      case BINARY:
        if (this.#fragments.length > 0) return this.#fail(1002);
        this.#opcode = opcode;
        break;
      case 0:
        if (this.#opcode === 0) return this.#fail(1002);
        break;
      default:
        return this.#fail(1002);
    }
    this.#fragmentsLength += payload.length;
    if (this.#fragmentsLength > MAX_MESSAGE) return this.#fail(1009);
    this.#fragments.push(payload);
    if (!final) return;
    const message = Buffer.concat(this.#fragments);
    const data = this.#opcode === TEXT ? message.toString() : message.buffer.slice(message.byteOffset, message.byteOffset + message.length);
    this.#fragments = [];
    this.#fragmentsLength = 0;
    this.#opcode = 0;
    this.dispatchEvent(new MessageEvent('message', { data }));
  }

  /**
   * Sends one frame, masked as RFC 6455 §5.3 asks of clients.
   * @param {number} opcode
   * @param {Buffer} payload
   */
  #frame(opcode, payload) {
    if (!this.#socket || this.#closed) return;
    const mask = randomBytes(4);
    const length = payload.length;
    const size = length < 126 ? 0 : length < 65_536 ? 2 : 8;
    const header = Buffer.alloc(2 + size);
    header[0] = 0x80 | opcode;
    header[1] = 0x80 | (size === 0 ? length : size === 2 ? 126 : 127);
    if (size === 2) header.writeUInt16BE(length, 2);
    if (size === 8) header.writeBigUInt64BE(BigInt(length), 2);
    const masked = Buffer.from(payload);
    for (let index = 0; index < length; index += 1) masked[index] ^= mask[index & 3];
    this.#socket.write(Buffer.concat([header, mask, masked]));
  }

  /** @param {number} code */
  #fail(code) {
    const body = Buffer.alloc(2);
    body.writeUInt16BE(code);
    this.#frame(CLOSE, body);
    this.#socket?.destroy();
    this.#end(code, '');
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  #end(code, reason) {
    if (this.#closed) return;
    this.#closed = true;
    this.dispatchEvent(Object.assign(new Event('close'), { code, reason }));
  }
}

/** @typedef {{ final: boolean, opcode: number, payload: Buffer, rest: Buffer }} Frame */

/**
 * The first whole frame of `input`; nothing while it is incomplete.
 * @param {Buffer} input
 * @returns {Frame | 'bad' | 'too large' | undefined}
 */
function readFrame(input) {
  if (input.length < 2) return undefined;
  const reserved = input[0] & 0x70;
  const masked = input[1] & 0x80;
  if (reserved || masked) return 'bad';
  const short = input[1] & 0x7f;
  const start = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (input.length < start) return undefined;
  const length = short === 126 ? input.readUInt16BE(2) : short === 127 ? Number(input.readBigUInt64BE(2)) : short;
  if (length > MAX_MESSAGE) return 'too large';
  if (input.length < start + length) return undefined;
  return {
    final: (input[0] & 0x80) !== 0,
    opcode: input[0] & 0x0f,
    payload: input.subarray(start, start + length),
    rest: input.subarray(start + length),
  };
}
