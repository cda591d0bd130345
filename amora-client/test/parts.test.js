import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Backoff, CATALOGUE, methodName } from '../src/index.js';
import { readResponse, readState } from '../src/mqtt-messages.js';
import { makeSections } from '../src/sections.js';

describe('Backoff', () => {
  it('doubles up to the longest wait, with jitter downwards, and starts again after a success', () => {
    const backoff = new Backoff({ first: 100, longest: 1000, jitter: 0.5, random: () => 0 });
    assert.deepEqual(Array.from({ length: 6 }, () => backoff.next()), [100, 200, 400, 800, 1000, 1000]);
    backoff.reset();
    backoff.random = () => 1;
    assert.deepEqual([backoff.next(), backoff.next()], [50, 100]);
    for (let round = 0; round < 5000; round += 1) assert.ok(Number.isFinite(backoff.next()));
  });
});

describe('sections', () => {
  it('have a method for every command of the catalogue', async () => {
    /** @type {string[]} */
    const asked = [];
    const sections = /** @type {any} */ (makeSections(async (name) => asked.push(name)));
    const names = Object.entries(CATALOGUE).flatMap(([section, verbs]) => verbs.map((verb) => [section, verb]));
    for (const [section, verb] of names) await sections[section][methodName(verb)]();
    assert.deepEqual(asked, names.map((name) => name.join('.')));
    assert.ok(asked.includes('player.set_replay_gain') && asked.length > 50);
  });
});

describe('MQTT messages', () => {
  it('are read in both dialects', () => {
    const device = readState('{"timestamp":1700000000.25,"state":"pause","current_song":{"title":"T","file":"f","duration":9.5,"position":2},"volume":0,"repeat":true,"random":false}');
    const client = readState('{"timestamp":1700000000250,"state":"paused","currentSong":{"title":"T","file":"f","duration":9.5,"position":2},"volume":0,"repeat":true,"random":false}');
    assert.deepEqual(device, client);
    assert.deepEqual([device.position_at, device.song?.artist, device.volume], [1_700_000_000_250, 'Unknown', 0]);
    assert.deepEqual(readResponse('{"command_id":"a","result":true,"data":{"result":{"volume":7}}}'), { id: 'a', data: { volume: 7 } });
    assert.deepEqual(readResponse('{"commandId":"a","result":true,"data":null}'), { id: 'a', data: {} });
  });

  it('that make no sense are refused', () => {
    for (const text of ['', '[', '7', 'null', '{}', '{"commandId":7,"result":true}']) assert.throws(() => readResponse(text), { code: 'protocol' });
    for (const text of ['', 'null', '{}', '{"state":"flying"}']) assert.throws(() => readState(text), { code: 'protocol' });
  });

  it('tell why a command failed', () => {
    const response = readResponse('{"commandId":"a","result":false,"message":"Error executing command: no","data":null,"error":{"code":"invalid_parameter","message":"no","field":"volume"}}');
    assert.ok('error' in response);
    assert.deepEqual([response.error.code, response.error.message, response.error.field], ['invalid_parameter', 'no', 'volume']);
    const old = readResponse('{"command_id":"a","result":false,"message":"Command x not supported","data":null}');
    assert.ok('error' in old && old.error.message === 'Command x not supported');
  });
});
