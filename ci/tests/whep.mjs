// Joins a stream by WHEP in Chromium and prints what it hears once that is steady, as JSON: `whep.mjs URL TOKEN`.
import assert from 'node:assert/strict';
import { openBrowser } from '../../amora-service/doors/web/browser-tests/support/browser.mjs';

const [url, token] = process.argv.slice(2);

// By itself it looks for a way neither over the loopback interface nor by addresses that a page could read.
const browser = await openBrowser(['--allow-loopback-in-peer-connection', '--disable-features=WebRtcHideLocalIpsWithMdns']);
try {
  const page = await (await browser.open()).newPage();
  await page.goto(new URL('/health', url).href);
  const heard = await page.evaluate(async ([url, token]) => {
    const connection = new RTCPeerConnection();
    const { receiver } = connection.addTransceiver('audio', { direction: 'recvonly' });
    const gathered = new Promise((resolve) => {
      connection.onicegatheringstatechange = () => connection.iceGatheringState === 'complete' && resolve(null);
    });
    await connection.setLocalDescription();
    await gathered;
    const authorization = { Authorization: `Bearer ${token}` };
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/sdp', ...authorization },
      body: connection.localDescription.sdp,
    });
    if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
    await connection.setRemoteDescription({ type: 'answer', sdp: await answer.text() });

    // Only what an element plays is decoded.
    const stream = new MediaStream([receiver.track]);
    const element = new Audio();
    element.muted = true;
    element.srcObject = stream;
    await element.play();
    const context = new AudioContext({ sampleRate: 48_000 });
    await context.resume();
    const ear = new AnalyserNode(context, { fftSize: 32_768, smoothingTimeConstant: 0 });
    new MediaStreamAudioSourceNode(context, { mediaStream: stream }).connect(ear);

    const wave = new Float32Array(ear.fftSize);
    const spectrum = new Float32Array(ear.frequencyBinCount);
    const deadline = Date.now() + 60_000;
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      ear.getFloatTimeDomainData(wave);
      const parts = Array.from({ length: 32 }, (_, part) => Math.max(...wave.subarray(part * 1024, part * 1024 + 1024)));
      if (Math.min(...parts) > 0.5 * Math.max(...parts) && Math.max(...parts) > 0.01) break;
      if (Date.now() > deadline) throw new Error(`nothing steady is heard; the connection is ${connection.connectionState}`);
    }
    ear.getFloatFrequencyData(spectrum);
    const frequency = (spectrum.indexOf(Math.max(...spectrum)) * context.sampleRate) / ear.fftSize;
    const power = wave.reduce((sum, sample) => sum + sample * sample, 0) / wave.length;
    const end = await fetch(new URL(answer.headers.get('Location'), url), { method: 'DELETE', headers: authorization });
    return { frequency, decibels: 10 * Math.log10(2 * power), ended: end.status };
  }, [url, token]);
  assert.equal(heard.ended, 200);
  console.log(JSON.stringify(heard));
} finally {
  await browser.close();
}
