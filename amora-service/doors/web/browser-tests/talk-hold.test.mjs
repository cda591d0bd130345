import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CODE } from './fake-box/server.mjs';
import { DESKTOP, MOUTH, PHONE } from './support/browser.mjs';
import { harness, until } from './support/harness.mjs';
import { amplitudeAt } from './support/tone.mjs';

/** @typedef {import('playwright-core').Page} Page */

describe('the button to hold while one talks', () => {
  const t = harness();
  /** @param {Page} page */
  const button = (page) => page.getByRole('button', { name: 'Hold to talk' });
  /** @param {Page} page */
  const status = (page) => page.getByRole('region', { name: 'Talk to the box' }).getByRole('status');

  /** The talk view, in a page that remembers the microphones it was given. @param {import('playwright-core').BrowserContextOptions} [options] */
  const open = async (options = {}) => {
    t.box.setVoice();
    const page = await t.blank({ permissions: ['microphone'], ...options });
    await page.addInitScript(() => {
      /** @type {MediaStreamTrack[]} */
      const tracks = [];
      const { mediaDevices } = navigator;
      const ask = mediaDevices.getUserMedia;
      mediaDevices.getUserMedia = async (what) => {
        const stream = await Reflect.apply(ask, mediaDevices, [what]);
        tracks.push(...stream.getTracks());
        return stream;
      };
      Reflect.set(window, 'tracks', tracks);
    });
    await page.goto(`${t.fake.url}/#code=${CODE}`);
    await page.waitForSelector('.app');
    await t.go(page, 'talk');
    return page;
  };
  /** @param {Page} page @returns {Promise<Array<[readyState: string, enabled: boolean]>>} */
  const tracks = (page) => page.evaluate(() => Reflect.get(window, 'tracks').map((/** @type {MediaStreamTrack} */ { readyState, enabled }) => [readyState, enabled]));
  /** @param {Page} page */
  const middle = async (page) => {
    await button(page).scrollIntoViewIfNeeded();
    const { x, y, width, height } = /** @type {NonNullable<Awaited<ReturnType<import('playwright-core').Locator['boundingBox']>>>} */ (await button(page).boundingBox());
    return { x: Math.round(x + width / 2), y: Math.round(y + height / 2) };
  };
  /** Presses with the mouse. @param {Page} page */
  const press = async (page) => {
    const { x, y } = await middle(page);
    await page.mouse.move(x, y);
    await page.mouse.down();
  };
  /** @param {Page} page */
  const heard = async (page, length = 9_600) => {
    await until(() => t.box.room.present && t.box.room.latest.length > length, 'nothing arrives');
    assert.equal(await button(page).getAttribute('aria-pressed'), 'true');
  };
  /** Nobody talks any more, and nothing more comes, whatever is still pressed. @param {Page} page */
  const silent = async (page) => {
    await until(() => !t.box.room.present, 'it goes on talking');
    const { length } = t.box.room.said;
    await page.waitForTimeout(300);
    assert.equal(t.box.room.present, undefined, 'it talks again');
    assert.equal(t.box.room.said.length, length);
  };

  it('sends while it is held and no longer, asks for the microphone once, and gives it back with the view', async () => {
    const page = await open();
    for (let turn = 1; turn <= 3; turn += 1) {
      await press(page);
      await heard(page, 72_000);
      await status(page).getByText('The box hears you. Let go to stop.').waitFor();
      assert.deepEqual(await tracks(page), [['live', true]]);
      const tone = amplitudeAt(t.box.room.latest.slice(-48_000), MOUTH);
      assert.ok(tone > 0.05, `turn ${turn}: the tone has an amplitude of ${tone}`);
      await page.mouse.up();
      await silent(page);
      await status(page).getByText('Your microphone is ready, and held back: hold the button to be heard.').waitFor();
      assert.equal(await button(page).getAttribute('aria-pressed'), 'false');
      assert.deepEqual(await tracks(page), [['live', false]], 'asked once, and held back');
      assert.equal(t.box.room.said.length, turn);
    }
    await t.go(page, 'box');
    assert.deepEqual((await tracks(page)).map(([state]) => state), ['ended']);
  });

  /** @type {Record<string, (page: Page) => unknown>} */
  const ends = {
    'the pointer strays': (page) => page.mouse.move(3, 3, { steps: 4 }),
    'the focus goes elsewhere': (page) => page.keyboard.press('Tab'),
    'the window loses the focus': (page) => page.evaluate(() => window.dispatchEvent(new Event('blur'))),
    'the page is put away': (page) => page.evaluate(() => window.dispatchEvent(new Event('pagehide'))),
    'the system takes the pointer': (page) => button(page).dispatchEvent('pointercancel', { pointerId: 1 }),
    'the connection to the box is lost': () => t.fake.cut(),
    'the room is closed': () => t.box.room.present?.close(1013, 'the room was closed; connect again'),
    'the microphone is taken away': (page) => page.evaluate(() => Reflect.get(window, 'tracks')[0].dispatchEvent(new Event('ended'))),
    'the page is hidden': (page) => page.evaluate(() => {
      Object.defineProperty(document, 'visibilityState', { configurable: true, value: 'hidden' });
      document.dispatchEvent(new Event('visibilitychange'));
    }),
    'the box moves out of the room': async (page) => {
      t.box.state.audio.card.kind = 'alsa';
      t.box.changed('audio');
      await button(page).waitFor({ state: 'hidden' });
      t.box.state.audio.card.kind = 'room';
      t.box.changed('audio');
    },
    'the voice desk goes': async (page) => {
      const { voice } = t.box.state;
      t.box.state.voice = null;
      t.box.changed('voice');
      await button(page).waitFor({ state: 'detached' });
      t.box.state.voice = voice;
      t.box.changed('voice');
    },
    'the view is left': async (page) => {
      await t.go(page, 'sound');
      await page.waitForTimeout(300);
      await t.go(page, 'talk');
    },
  };
  it('is let go however it is lost, though the mouse is still down', async (test) => {
    const page = await open();
    for (const [name, end] of Object.entries(ends)) {
      test.diagnostic(name);
      await page.locator('.banner').waitFor({ state: 'hidden' });
      await press(page);
      await heard(page);
      await end(page);
      await silent(page);
      assert.equal(await button(page).getAttribute('aria-pressed'), 'false', name);
      await page.mouse.up();
    }
    t.forgive();
  });

  it('is held by the space bar and by Enter too, which neither click nor pause the music', async () => {
    const page = await open();
    t.play();
    await button(page).focus();
    for (const key of ['Space', 'Enter']) {
      const { length } = t.box.room.said;
      for (let repeat = 0; repeat < 3; repeat += 1) await page.keyboard.down(key);
      await heard(page);
      await page.keyboard.press('Shift');
      await page.waitForTimeout(50);
      assert.ok(t.box.room.present, 'another key lets it go');
      await page.keyboard.up(key);
      await silent(page);
      assert.equal(t.box.room.said.length, length + 1);
      await status(page).getByText('Your microphone is ready').waitFor();
    }
    assert.deepEqual(t.box.log.filter(({ command }) => command.startsWith('player.p')), []);
    await page.keyboard.down('Enter');
    await heard(page);
    await page.keyboard.press('Tab');
    await silent(page);
  });

  it('is held by a finger, without a menu, a selection or a scroll', async () => {
    const page = await open({ viewport: PHONE, hasTouch: true, isMobile: true });
    await page.evaluate(() => {
      Reflect.set(window, 'menus', 0);
      window.addEventListener('contextmenu', ({ defaultPrevented }) => Reflect.set(window, 'menus', Reflect.get(window, 'menus') + (defaultPrevented ? 0 : 1)));
    });
    const finger = await page.context().newCDPSession(page);
    const touch = (/** @type {'touchStart' | 'touchMove' | 'touchEnd' | 'touchCancel'} */ type, /** @type {{ x: number, y: number }[]} */ ...touchPoints) => finger.send('Input.dispatchTouchEvent', { type, touchPoints });
    const { x, y } = await middle(page);
    const scrolled = () => page.evaluate(() => document.querySelector('main')?.scrollTop);
    const before = await scrolled();
    await touch('touchStart', { x, y });
    await heard(page, 96_000);
    await touch('touchMove', { x: x + 8, y: y + 12 });
    await heard(page, t.box.room.latest.length + 9_600);
    await touch('touchEnd');
    await silent(page);
    assert.deepEqual(await page.evaluate(() => [String(getSelection()), Reflect.get(window, 'menus')]), ['', 0]);
    assert.equal(await button(page).evaluate((element) => element.dispatchEvent(new MouseEvent('contextmenu', { cancelable: true, bubbles: true }))), false);

    await touch('touchStart', { x, y });
    await heard(page);
    await touch('touchCancel');
    await silent(page);

    await touch('touchStart', { x, y });
    await heard(page);
    await touch('touchMove', { x, y: y - 120 });
    await silent(page);
    await touch('touchEnd');
    assert.equal(await scrolled(), before);
  });

  it('is not moved by what is said while it is held', async () => {
    const page = await open();
    for (const viewport of [DESKTOP, PHONE]) {
      await page.setViewportSize(viewport);
      const { x, y } = await middle(page);
      await press(page);
      await heard(page);
      t.box.state.audio.mixer.active = ['speech', 'music'];
      t.box.setVoice({ barge_in: true });
      await page.getByText('Somebody is speaking').waitFor();
      assert.deepEqual(await middle(page), { x, y });
      t.box.setVoice({ barge_in: false });
      await page.getByText('The hub is speaking').waitFor();
      assert.deepEqual(await middle(page), { x, y });
      await page.mouse.up();
      await silent(page);
      assert.deepEqual(await middle(page), { x, y });
    }
  });

  it('is pressed again and again, and nobody is in the way of the next', async () => {
    const page = await open();
    await press(page);
    await heard(page);
    await page.mouse.up();
    for (let turn = 0; turn < 8; turn += 1) {
      const before = t.box.room.said.length;
      await press(page);
      await until(() => t.box.room.said.length > before && t.box.room.latest.length > 960, 'nothing arrives');
      await page.mouse.up();
      await page.mouse.down();
      await page.mouse.up();
    }
    await silent(page);
    assert.deepEqual(t.box.room.refused, []);
    assert.equal(t.box.room.dropped, 0);
  });

  it('tells who clicks without holding to hold it, and lets others speak', async () => {
    const page = await open();
    const click = () => button(page).evaluate((element) => /** @type {HTMLElement} */ (element).click());
    await click();
    await status(page).getByText('Hold the button down for as long as you speak.').waitFor();
    await page.getByRole('button', { name: /^A question/ }).click();
    await status(page).getByText('The box hears: A question.').waitFor();
    await click();
    await page.waitForTimeout(100);
    assert.equal(t.box.room.said.length, 1);
    assert.ok(t.box.room.present, 'it breaks in on who talks');
  });

  it('sends nothing where it was let go before the browser gave the microphone, and gives that back with the view', async () => {
    const page = await open();
    /** Lets the browser answer the question for the microphone. */
    const answer = () => page.evaluate(() => Reflect.get(window, 'answer')());
    const doubt = () => page.evaluate(() => {
      const { mediaDevices } = navigator;
      const ask = mediaDevices.getUserMedia;
      mediaDevices.getUserMedia = async (what) => {
        await new Promise((resolve) => Reflect.set(window, 'answer', resolve));
        return Reflect.apply(ask, mediaDevices, [what]);
      };
    });
    await doubt();
    await press(page);
    await status(page).getByText('Waiting for your microphone… Keep holding.').waitFor();
    await page.mouse.up();
    await status(page).getByText('Hold the button down for as long as you speak.').waitFor();
    await answer();
    await status(page).getByText('Your microphone is ready').waitFor();
    await silent(page);
    assert.deepEqual([t.box.room.said.length, await tracks(page)], [0, [['live', false]]]);

    await t.go(page, 'box');
    await t.go(page, 'talk');
    await press(page);
    await status(page).getByText('Waiting for your microphone').waitFor();
    await t.go(page, 'box');
    await answer();
    await until(async () => (await tracks(page)).length === 2);
    await until(async () => (await tracks(page)).every(([state]) => state === 'ended'), 'a microphone stays open');
    assert.equal(t.box.room.said.length, 0);
  });

  it('says that the browser gives no microphone, also to who has let go by then', async () => {
    const page = await open({ permissions: [] });
    await button(page).click();
    await page.getByRole('alert').getByText('The browser does not let this page use the microphone.').waitFor();
    await silent(page);
  });

  it('changes place with the open microphone, which is given back when it is closed', async () => {
    const page = await open();
    await page.getByRole('button', { name: 'Open your microphone' }).click();
    await until(() => t.box.room.latest.length > 9_600);
    await press(page);
    await until(() => t.box.room.said.length === 2, 'the button does not take over');
    await heard(page);
    await page.mouse.up();
    await silent(page);
    await page.getByRole('button', { name: 'Open your microphone' }).click();
    await until(() => t.box.room.said.length === 3 && t.box.room.present);
    await page.getByRole('button', { name: 'Close your microphone' }).click();
    await silent(page);
    assert.deepEqual((await tracks(page)).map(([state]) => state).filter((state) => state !== 'ended'), []);
    assert.deepEqual(t.box.room.refused, []);
  });
});
