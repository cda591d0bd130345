import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { AmoraClient, AmoraHttpClient } from '../src/index.js';
import { CODE, startFakeBox, until } from './fake-box.js';

const FILE = randomBytes(3_000_001);

describe('sendUpdate', () => {
  /** What the server saw of the last request. */
  let seen = { url: '', headers: /** @type {import('node:http').IncomingHttpHeaders} */ ({}), bytes: 0, hash: '', wanted: false, gone: false };
  /** @type {'install' | 'refuse' | 'refuse midway' | 'hold' | 'break off'} */
  let manner = 'install';
  /** @type {import('node:http').Server} */
  let server;
  /** @type {AmoraHttpClient} */
  let box;

  /** @param {import('node:http').IncomingMessage} request @param {import('node:http').ServerResponse} response */
  async function take(request, response) {
    const answer = (/** @type {number} */ status, /** @type {object} */ document) => response.writeHead(status, { 'Content-Type': 'application/json', Connection: 'close' }).end(JSON.stringify(document));
    seen = { url: `${request.method} ${request.url}`, headers: request.headers, bytes: 0, hash: '', wanted: false, gone: false };
    request.on('close', () => {
      seen.gone = true;
    });
    if (request.headers.authorization !== `Bearer ${CODE}`) return answer(401, { result: false, error: { code: 'login_required', message: 'log in first' } });
    if (manner === 'refuse') return answer(409, { result: false, error: { code: 'conflict', message: 'an update is being installed already' } });
    seen.wanted = true;
    if (request.headers.expect) response.writeContinue();
    const hash = createHash('sha256');
    for await (const piece of request.iterator({ destroyOnReturn: false })) {
      seen.bytes += piece.length;
      hash.update(piece);
      if (manner === 'hold') return;
      if (manner === 'break off') return request.destroy();
      if (manner === 'refuse midway') return answer(400, { result: false, error: { code: 'failed', message: 'the signature is not by anybody whom this box trusts' } });
    }
    seen.hash = hash.digest('hex');
    answer(200, { result: true, data: { phase: 'installed', version: '1.4.2' } });
  }

  beforeEach(async () => {
    manner = 'install';
    seen.bytes = 0;
    server = createServer();
    const safely = (/** @type {any} */ request, /** @type {any} */ response) => take(request, response).catch(() => {});
    server.on('request', safely).on('checkContinue', safely);
    await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
    box = new AmoraHttpClient({ url: `http://127.0.0.1:${port}`, code: CODE });
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const hashOf = (/** @type {Uint8Array} */ bytes) => createHash('sha256').update(bytes).digest('hex');

  it('sends every byte of bytes, of a file and of a stream', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'amora-upload-'));
    const path = join(folder, 'amora.swu');
    await writeFile(path, FILE);
    async function* stream() {
      for (let at = 0; at < FILE.length; at += 700_001) yield FILE.subarray(at, at + 700_001);
    }
    const sources = /** @type {const} */ ([[FILE, {}], [await openAsBlob(path), {}], [stream(), { size: FILE.length }], [stream(), {}]]);
    for (const [source, options] of sources) {
      assert.deepEqual(await box.sendUpdate(source, options), { phase: 'installed', version: '1.4.2' });
      assert.deepEqual([seen.url, seen.bytes, seen.hash], ['POST /api/update', FILE.length, hashOf(FILE)]);
      assert.equal(seen.headers['content-type'], 'application/octet-stream');
    }
    assert.equal(seen.headers['content-length'], undefined, 'a stream of unknown size is sent in chunks');
    await rm(folder, { recursive: true });
  });

  it('tells how far it is, and never goes back', async () => {
    /** @type {number[]} */
    const told = [];
    await box.sendUpdate(FILE, { progress: (sent, size) => told.push(sent) && assert.equal(size, FILE.length) });
    assert.equal(told.at(-1), FILE.length);
    assert.ok(told.length > 20 && told.every((sent, index) => index === 0 || sent > told[index - 1]));
  });

  it('passes on when to restart and the word of the caller', async () => {
    await box.sendUpdate(FILE, { restart: 'window', reference: 'night & day' });
    assert.equal(seen.url, 'POST /api/update?restart=window&reference=night+%26+day');
  });

  it('hears a refusal before it has sent the body, and in the midst of it', async () => {
    manner = 'refuse';
    let read = 0;
    async function* source() {
      read += 1;
      yield FILE;
    }
    await assert.rejects(box.sendUpdate(source()), { code: 'conflict', message: 'an update is being installed already' });
    assert.deepEqual([seen.wanted, read], [false, 0]);
    await assert.rejects(new AmoraHttpClient({ url: box.http.url.href, code: 'NO' }).sendUpdate(FILE), { code: 'login_required' });
    manner = 'refuse midway';
    await assert.rejects(box.sendUpdate(FILE), { code: 'failed', message: 'the signature is not by anybody whom this box trusts' });
    assert.ok(seen.bytes < FILE.length);
  });

  it('ends when it is called off, and the box notices', async () => {
    async function* endless() {
      for (;;) {
        yield FILE;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
    const stop = new AbortController();
    const sent = box.sendUpdate(endless(), { signal: stop.signal });
    await until(() => seen.bytes > 0);
    stop.abort();
    await assert.rejects(sent, { code: 'cancelled' });
    await until(() => seen.gone);
    await assert.rejects(box.sendUpdate(FILE, { signal: stop.signal }), { code: 'cancelled' });
    const atOnce = new AbortController();
    const hardlyBegun = box.sendUpdate(endless(), { signal: atOnce.signal });
    atOnce.abort();
    await assert.rejects(hardlyBegun, { code: 'cancelled' });
  });

  it('does not wait for ever for a box that takes nothing more, nor for one that is gone', async () => {
    manner = 'hold';
    await assert.rejects(box.sendUpdate(Buffer.alloc(64 << 20), { patience: 200 }), { code: 'timed_out' });
    manner = 'break off';
    await assert.rejects(box.sendUpdate(FILE), { code: 'offline' });
    await assert.rejects(new AmoraHttpClient({ url: 'http://127.0.0.1:1', code: CODE }).sendUpdate(FILE), { code: 'offline' });
  });

  it('does not pass off a stream as longer or shorter than it is', async () => {
    for (const [size, word] of /** @type {const} */ ([[FILE.length + 1, 'fewer'], [FILE.length - 1, 'more']])) {
      async function* source() {
        yield FILE;
      }
      await assert.rejects(box.sendUpdate(source(), { size }), { code: 'invalid_parameter', field: 'size', message: new RegExp(word) });
    }
    async function* faulty() {
      yield FILE;
      throw new Error('the disk is gone');
    }
    await assert.rejects(box.sendUpdate(faulty()), { message: 'the disk is gone' });
  });

  it('proves a session with its cookie and token', async () => {
    const fake = await startFakeBox();
    const client = new AmoraClient({ url: fake.url, code: CODE });
    await client.connect();
    await assert.rejects(client.sendUpdate(new Uint8Array(10)), { code: 'login_required' });
    const { method, url, headers, body } = fake.counters.requests.at(-1);
    assert.deepEqual([method, url, headers['x-amora-csrf'], headers.cookie, body.length], ['POST', '/api/update', 'token', 'amora_session=session1', 10]);
    client.close();
    await fake.stop();
  });
});
