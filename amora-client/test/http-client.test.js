import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { AmoraHttpClient } from '../src/index.js';
import { CODE, startFakeBox } from './fake-box.js';

describe('AmoraHttpClient', () => {
  /** @type {Awaited<ReturnType<typeof startFakeBox>>} */
  let fake;
  before(async () => {
    fake = await startFakeBox();
  });
  after(() => fake.stop());

  it('sends one request a command, with the code', async () => {
    const box = new AmoraHttpClient({ url: fake.url, code: CODE });
    assert.deepEqual(await box.player.setVolume({ volume: 30 }), { echoed: { volume: 30 } });
    const { method, url, headers } = fake.counters.requests.at(-1);
    assert.deepEqual([method, url, headers.authorization, headers['content-type']], ['POST', '/api/commands/player.set_volume', `Bearer ${CODE}`, 'application/json']);
    assert.equal((await box.state()).system.name, 'Kitchen');
  });

  it('tells errors as the box does', async () => {
    const box = new AmoraHttpClient({ url: fake.url, code: CODE });
    await assert.rejects(box.player.seek(/** @type {any} */ ({})), { code: 'invalid_parameter', field: 'position', message: 'parameter `position`: is required' });
    await assert.rejects(new AmoraHttpClient({ url: fake.url, code: 'NO' }).player.play(), { code: 'login_required' });
    fake.box.httpStatus = 429;
    await assert.rejects(box.player.play(), { code: 'busy', retryAfter: 3, message: 'the box answered 429 Too Many Requests' });
    fake.box.httpStatus = 0;
    await assert.rejects(new AmoraHttpClient({ url: 'http://127.0.0.1:1' }).player.play(), { code: 'offline' });
  });
});
