import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { DESKTOP, PHONE } from './browser.mjs';

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const LOOKS = /** @type {const} */ ([['light', PHONE], ['dark', DESKTOP], ['dark', PHONE], ['light', DESKTOP]]);

/**
 * What axe finds that is serious or critical.
 * @param {import('playwright-core').Page} page
 */
export async function violations(page) {
  // Fades are over and covers are there before colours are judged.
  await page.evaluate(() => Promise.all(document.getAnimations().filter((animation) => animation.effect?.getTiming().iterations !== Infinity).map((animation) => animation.finished.catch(() => {}))));
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(AXE);
  const result = await page.evaluate(() => /** @type {any} */ (window).axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'], resultTypes: ['violations'] }));
  return result.violations
    .filter((/** @type {any} */ { impact }) => impact === 'serious' || impact === 'critical')
    .map((/** @type {any} */ { id, nodes }) => `${id}: ${nodes.slice(0, 3).map((/** @type {any} */ node) => `${node.html.slice(0, 120)} ${node.any[0]?.message ?? ''}`).join(' | ')}`);
}

/**
 * Asserts for each state of a view that it has no serious fault, and that nothing sticks out of its cards: on a phone and on a desk,
 * light and dark.
 * @param {import('playwright-core').Page} page
 * @param {Array<[words: string, go: () => void]>} states how the view gets there, and what is to be read then
 */
export async function assertFaultless(page, states) {
  for (const [colorScheme, viewport] of LOOKS) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.setViewportSize(viewport);
    for (const [words, go] of states) {
      go();
      await page.locator('main').getByText(words).first().waitFor();
      assert.deepEqual(await sticksOut(page), [], `sticks out: ${colorScheme}, ${viewport.width}, ${words}`);
      assert.deepEqual(await violations(page), [], `${colorScheme}, ${viewport.width}, ${words}`);
    }
  }
}

/** What reaches over the right edge of its card. @param {import('playwright-core').Page} page */
const sticksOut = (page) => page.evaluate(() => [...document.querySelectorAll('.card')].flatMap((card) => {
  const { right } = card.getBoundingClientRect();
  return [...card.querySelectorAll('*')].filter((inner) => inner.getBoundingClientRect().right > right).map(({ outerHTML }) => outerHTML.slice(0, 80));
}));
