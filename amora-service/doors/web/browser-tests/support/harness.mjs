import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach } from 'node:test';
import { Box } from '../fake-box/model.mjs';
import { CODE, startFakeBox } from '../fake-box/server.mjs';
import { openBrowser } from './browser.mjs';

/** How long a page may take on a busy machine, ms. */
export const PATIENCE = 60_000;

/** @typedef {import('playwright-core').Page} Page */
/** @typedef {Awaited<ReturnType<typeof startFakeBox>>} FakeBox */

/**
 * A browser for the file's tests, and for each test a fresh box that nobody has logged in to.
 * A page that logs an error or throws fails its test, unless the test expects trouble.
 */
export function harness() {
  /** @type {Awaited<ReturnType<typeof openBrowser>>} */
  let browser;
  /** @type {import('playwright-core').BrowserContext[]} */
  let contexts = [];
  /** @type {string[]} */
  let complaints = [];
  const tools = {
    /** @type {FakeBox} */
    fake: /** @type {any} */ (undefined),
    /** @returns {Box} */
    get box() {
      return tools.fake.box;
    },
    /** Fills the queue with the whole library and plays. */
    play(index = 1, position = 83) {
      tools.box.enqueue(tools.box.library);
      tools.box.playAt(index, position);
    },
    /** A page that is logged in. @param {string} [view] @param {import('playwright-core').BrowserContextOptions} [options] */
    async open(view = 'now', options = {}) {
      const page = await tools.blank(options);
      await page.goto(`${tools.fake.url}/#code=${CODE}`);
      await page.waitForSelector('.app');
      await tools.go(page, view);
      return page;
    },
    /** A page that has not gone anywhere yet. @param {import('playwright-core').BrowserContextOptions} [options] */
    async blank(options = {}) {
      const context = await browser.open(options);
      contexts.push(context);
      const page = await context.newPage();
      page.setDefaultTimeout(PATIENCE);
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
      return page;
    },
    /** @param {Page} page @param {string} view */
    async go(page, view) {
      await page.evaluate((to) => {
        location.hash = `#/${to}`;
      }, view);
      await page.waitForSelector(`.app[data-view="${view.split('/')[0]}"]`);
    },
    /** Waits until the box has carried a command out, and answers with its parameters. @param {string} command @param {(params: any) => boolean} [fits] */
    async carried(command, fits = () => true) {
      return until(() => tools.box.log.findLast((entry) => entry.command === command && fits(entry.params))?.params, `${command} did not come; there came ${tools.box.log.map((entry) => entry.command).join(', ')}`);
    },
    /** The trouble so far is meant. */
    forgive() {
      complaints = [];
    },
  };
  before(async () => {
    browser = await openBrowser();
  });
  after(() => browser.close());
  beforeEach(async () => {
    complaints = [];
    contexts = [];
    tools.fake = await startFakeBox();
  });
  afterEach(async () => {
    for (const context of contexts) await context.close();
    await tools.fake.stop();
    assert.deepEqual(complaints, [], 'the page complained');
  });
  return tools;
}

/**
 * Asks until there is an answer.
 * @template Answer
 * @param {() => Answer | Promise<Answer>} question
 * @param {string} [message]
 * @returns {Promise<NonNullable<Answer>>}
 */
export async function until(question, message = 'it did not come to pass') {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const answer = await question();
    if (answer) return answer;
    if (Date.now() > end) assert.fail(message);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
