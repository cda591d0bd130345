// Talks into the room of a running demo, over its music, and waits until the hub's answer sounds: `talk.mjs ADDRESS`.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { AmoraClient } from '../../amora-client/src/index.js';

/** Bytes of 20 ms: mono, 16 bits, 48 kHz. */
const PIECE = 1920;

const address = new URL(process.argv[2]);
const box = new AmoraClient({ url: address.origin, code: address.hash.replace('#code=', '') });

async function until(what, ready) {
  const deadline = Date.now() + 60_000;
  while (!ready()) {
    assert.ok(Date.now() < deadline, `waited in vain for ${what}`);
    await sleep(100);
  }
}

const words = execFileSync('espeak-ng', ['--stdout', '-s', '140', 'Good evening. What is it that we are listening to tonight?']);
const options = ['-loglevel', 'error', '-i', 'pipe:0', '-ar', '48000', '-ac', '1', '-f', 's16le', 'pipe:1'];
const speech = execFileSync('ffmpeg', options, { input: words, maxBuffer: 1 << 24 });

await box.connect();
try {
  await until('the call to stand', () => box.state.voice?.link === 'connected');
  const played = () => box.state.voice.counters.tts_frames_played;
  // What the canceller had not learnt yet may have been taken for speech.
  let [before, since] = [played(), Date.now()];
  await until('the hub to have said everything', () => {
    if (played() !== before) [before, since] = [played(), Date.now()];
    return Date.now() - since > 4_000;
  });

  const mouth = await box.openTalkSocket();
  const problems = [];
  mouth.addEventListener('message', ({ data }) => problems.push(data));
  mouth.addEventListener('close', ({ reason }) => problems.push(reason));
  const start = Date.now();
  for (let sent = 0; sent + PIECE <= speech.length; sent += PIECE) {
    await sleep(start + sent / 96 - Date.now());
    mouth.send(speech.subarray(sent, sent + PIECE));
  }
  assert.deepEqual(problems, []);
  mouth.close();
  await until('the answer to sound', () => box.state.audio.mixer.active.includes('speech'));
  await until('the answer to be played', () => played() > before + 25);
} finally {
  box.close();
}
