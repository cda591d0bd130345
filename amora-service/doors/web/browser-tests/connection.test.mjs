import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startFakeBox } from './fake-box/server.mjs';
import { harness, until } from './support/harness.mjs';

describe('connection', () => {
  const t = harness();

  it('says that the box is away, comes back by itself and shows what is so then', async () => {
    t.play();
    const page = await t.open();
    const { port, box } = t.fake;
    await t.fake.stop();
    await page.getByText('The box is not reachable. Trying again…').waitFor();
    await page.locator('main').getByRole('button', { name: 'Next' }).click();
    await page.locator('.toast').getByText(/Player.next was not sent: the box is not connected/).waitFor();
    box.playAt(4);
    t.fake = await startFakeBox({ box, port });
    const back = page.getByRole('heading', { name: box.queue[4].title }).waitFor();
    // The page may be back before the button is reached.
    await Promise.race([back, page.getByRole('button', { name: 'Try now' }).click()]);
    await back;
    await until(async () => page.locator('.banner').isHidden());
    t.forgive();
  });

  it('says so when the box does not answer from the start, and goes on when it does', async () => {
    const page = await t.blank();
    await page.route('**/api/session', (route) => route.fulfill({ status: 503, body: '{}' }));
    await page.goto(t.fake.url);
    await page.getByRole('heading', { name: 'Waiting for the box' }).waitFor();
    await page.unroute('**/api/session');
    const back = page.getByLabel('Code').waitFor();
    await Promise.race([back, page.getByRole('button', { name: 'Try now' }).click()]);
    await back;
    t.forgive();
  });

  it('lives through messages that make no sense', async () => {
    t.play();
    const page = await t.open();
    for (const text of ['', 'null', '[]', '{"state":', '{"reply":{"id":99,"result":true}}', '{"reply":null}', '{"unknown":1}', '{"state":{"revision":-1,"player":null}}']) t.fake.sendRaw(text);
    t.box.playAt(2);
    await page.getByRole('heading', { name: 'Lanterns', level: 1 }).waitFor();
  });

  it('tells of a command that gets no answer', async () => {
    t.play();
    const page = await t.open();
    t.fake.control.silent = true;
    await page.locator('main').getByRole('button', { name: 'Next' }).click();
    await page.locator('.toast').getByText('No answer to player.next within 10 s').waitFor();
    t.fake.control.silent = false;
  });

  it('leaves a section that the box no longer has', async () => {
    t.play();
    const page = await t.open();
    t.fake.sendRaw(JSON.stringify({ state: { revision: 1e6, player: null } }));
    await page.getByText('This box has no music player').waitFor();
    assert.equal(await page.getByRole('heading', { level: 1 }).textContent(), 'Nothing is playing');
  });
});
