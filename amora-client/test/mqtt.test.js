import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import mqtt from 'mqtt';
import { AmoraMqttClient, Backoff } from '../src/mqtt.js';
import { STATE, until } from './fake-box.js';

const TOPIC = 'amora/devices/kitchen';

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A real mosquitto, on TCP and on WebSockets. */
async function startBroker(/** @type {string} */ folder, /** @type {number} */ port, /** @type {number} */ webPort) {
  const file = join(folder, 'mosquitto.conf');
  await writeFile(file, `listener ${port} 127.0.0.1\nallow_anonymous true\nlistener ${webPort} 127.0.0.1\nprotocol websockets\nallow_anonymous true\npersistence false\n`);
  const broker = spawn(process.env.MOSQUITTO ?? '/usr/sbin/mosquitto', ['-c', file], { stdio: 'ignore' });
  const gone = new Promise((resolve) => broker.once('exit', resolve));
  await until(async () => {
    const probe = mqtt.connect(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 0, connectTimeout: 500 });
    const there = await new Promise((resolve) => {
      probe.once('connect', () => resolve(true));
      probe.once('error', () => resolve(false));
      probe.once('close', () => resolve(false));
    });
    await probe.endAsync(true);
    return there;
  }, 'mosquitto did not start');
  return {
    async stop() {
      broker.kill('SIGKILL');
      await gone;
    },
  };
}

/** A box that answers as the real one does, on a connection of its own. */
async function startBox(/** @type {string} */ url, /** @type {(command: any) => any} */ answer) {
  const box = await mqtt.connectAsync(url, { reconnectPeriod: 50, will: { topic: `${TOPIC}/connection`, payload: Buffer.from('{"status":"offline","timestamp":1}'), qos: 1, retain: true } });
  /** @type {any[]} */
  const commands = [];
  box.on('message', (_, payload) => {
    const command = JSON.parse(String(payload));
    commands.push(command);
    const response = command.command === 'system.get_state' ? { result: true, data: { result: STATE } } : answer(command);
    for (const each of [response].flat().filter(Boolean)) box.publish(`${TOPIC}/responses`, typeof each === 'string' ? each : JSON.stringify({ commandId: command.commandId, message: '', timestamp: Date.now(), ...each }), { qos: 1 });
  });
  await box.subscribeAsync(`${TOPIC}/commands`, { qos: 1 });
  await box.publishAsync(`${TOPIC}/connection`, '{"status":"online","timestamp":1}', { qos: 1, retain: true });
  return { box, commands };
}

describe('AmoraMqttClient, with mosquitto', () => {
  /** @type {string} */
  let folder;
  /** @type {Awaited<ReturnType<typeof startBroker>>} */
  let broker;
  let [port, webPort, url] = [0, 0, ''];
  /** @type {Array<() => unknown>} */
  let cleanups = [];
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'amora-client-'));
    [port, webPort] = [await freePort(), await freePort()];
    url = `mqtt://127.0.0.1:${port}`;
    broker = await startBroker(folder, port, webPort);
  });
  after(async () => {
    await broker.stop();
    await rm(folder, { recursive: true, force: true });
  });
  afterEach(async () => {
    for (const clean of cleanups.reverse()) await clean();
    cleanups = [];
    const cleaner = await mqtt.connectAsync(url);
    for (const leaf of ['state', 'connection']) await cleaner.publishAsync(`${TOPIC}/${leaf}`, '', { retain: true, qos: 1 });
    await cleaner.endAsync();
  });
  const withBox = async (/** @type {(command: any) => any} */ answer) => {
    const started = await startBox(url, answer);
    cleanups.push(() => started.box.endAsync(true));
    return started;
  };
  const connect = async (/** @type {Partial<import('../src/mqtt.js').MqttOptions>} */ options = {}) => {
    const client = new AmoraMqttClient({ url, device: 'kitchen', backoff: new Backoff({ first: 30, longest: 60 }), ...options });
    cleanups.push(() => client.close());
    await client.connect();
    return client;
  };

  it('asks for the state first, then carries commands and their errors', async () => {
    const { commands } = await withBox(({ command, params }) => (command === 'player.seek'
      ? { result: false, message: 'Error executing command: no', error: { code: 'invalid_parameter', message: 'no', field: 'position' } }
      : { result: true, data: { result: { command, params } } }));
    const client = await connect();
    await until(() => client.online && client.state?.system.name === 'Kitchen');
    assert.equal(commands[0].command, 'system.get_state');
    assert.deepEqual(await client.player.setVolume({ volume: 5 }), { command: 'player.set_volume', params: { volume: 5 } });
    await assert.rejects(client.player.seek({ position: -1 }), { code: 'invalid_parameter', field: 'position', message: 'no' });
    assert.equal(typeof commands.at(-1).timestamp, 'number');
  });

  it('speaks through WebSockets too, as browsers do', async () => {
    await withBox(({ command }) => ({ result: true, data: { result: { command } } }));
    const client = await connect({ url: `ws://127.0.0.1:${webPort}` });
    await until(() => client.online);
    assert.deepEqual(await client.audio.chime(), { command: 'audio.chime' });
  });

  it('follows the state topic and tells what changed', async () => {
    const { box } = await withBox(() => undefined);
    const client = await connect();
    await until(() => client.state?.system.name === 'Kitchen');
    /** @type {any[]} */
    const told = [];
    client.on('volumeChange', (volume) => told.push(['volume', volume]));
    client.on('stateChange', ({ state, song }) => told.push([state, song?.title]));
    await box.publishAsync(`${TOPIC}/state`, JSON.stringify({ timestamp: 1700000000.5, state: 'play', volume: 33, repeat: false, random: false, current_song: { title: 'Koi', file: 'koi.flac', duration: 9, position: 1 } }), { retain: true, qos: 1 });
    await until(() => told.length === 2);
    assert.deepEqual(told, [['play', 'Koi'], ['volume', 33]]);
  });

  it('tells each event once, although the broker may bring it twice', async () => {
    const { box } = await withBox(() => undefined);
    const client = await connect();
    await until(() => client.online);
    /** @type {any[]} */
    const events = [];
    client.on('event', (event) => events.push(event.data));
    for (const sequence of [4, 4, 5, 3]) await box.publishAsync(`${TOPIC}/events`, JSON.stringify({ sequence, time: 1, event: 'player.slept', data: { sequence } }), { qos: 1 });
    await until(() => events.length >= 2);
    assert.deepEqual(events, [{ sequence: 4 }, { sequence: 5 }]);
  });

  it('is not confused by duplicate, strange and malformed responses', async () => {
    await withBox(({ command }) => [{ result: true, data: { result: { command } } }, { result: true, data: { result: { command: 'twice' } } }, '{', 'null', '{"commandId":"nobody","result":true}']);
    const client = await connect();
    await until(() => client.online);
    /** @type {string[]} */
    const errors = [];
    client.on('error', ({ code }) => errors.push(code));
    assert.deepEqual(await client.player.play(), { command: 'player.play' });
    await until(() => errors.length === 2);
    assert.deepEqual(errors, ['protocol', 'protocol']);
    assert.deepEqual(await client.player.stop(), { command: 'player.stop' });
  });

  it('gives up on a command that gets no answer', async () => {
    await withBox(() => undefined);
    const client = await connect({ timeout: 60 });
    await until(() => client.online);
    await assert.rejects(client.player.play(), { code: 'timed_out' });
  });

  it('knows a box by its last will', async () => {
    const { box } = await withBox(() => undefined);
    const client = await connect();
    await until(() => client.online);
    const under = client.player.play();
    box.stream.destroy();
    box.options.reconnectPeriod = 0;
    await assert.rejects(under, { code: 'offline', message: 'player.play got no answer: the box left the broker' });
    await assert.rejects(client.player.play(), { code: 'offline', message: 'player.play was not sent: the box is not connected to the broker' });
  });

  it('comes back when the broker does', async () => {
    await withBox(({ command }) => ({ result: true, data: { result: { command } } }));
    const client = await connect();
    await until(() => client.online);
    await broker.stop();
    await until(() => client.connection.status === 'reconnecting');
    await assert.rejects(client.player.play(), { code: 'offline', message: 'player.play was not sent: the broker is not connected' });
    broker = await startBroker(folder, port, webPort);
    const again = await startBox(url, ({ command }) => ({ result: true, data: { result: { command } } }));
    cleanups.push(() => again.box.endAsync(true));
    await until(() => client.online);
    assert.deepEqual(await client.player.play(), { command: 'player.play' });
  });

  it('takes no device id that would reach other boxes', () => {
    for (const device of ['+', '#', 'a/b']) assert.throws(() => new AmoraMqttClient({ url, device }), TypeError);
  });
});
