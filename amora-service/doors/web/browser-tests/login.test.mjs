import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CODE } from './fake-box/server.mjs';
import { harness, until } from './support/harness.mjs';

describe('login', () => {
  const t = harness();

  it('asks for the code, says why a wrong one failed, and opens with the right one', async () => {
    const page = await t.blank();
    await page.goto(t.fake.url);
    await page.getByLabel('Code').fill('wrong-wrong-wrong');
    await page.keyboard.press('Enter');
    await page.getByText('That is not the code of this box.').waitFor();
    assert.equal(await page.getByLabel('Code').getAttribute('aria-invalid'), 'true');
    t.forgive();
    await page.getByLabel('Code').fill('');
    await page.getByLabel('Code').pressSequentially('k7qm3xpw9rtd');
    assert.equal(await page.getByLabel('Code').inputValue(), CODE);
    await page.keyboard.press('Enter');
    await page.waitForSelector('.app');
  });

  it('says how long to wait after too many wrong codes', async () => {
    t.fake.control.loginsLeft = 0;
    const page = await t.blank();
    await page.goto(t.fake.url);
    await page.getByLabel('Code').fill(CODE);
    await page.keyboard.press('Enter');
    await page.getByText('Too many wrong codes. Try again in 30 s.').waitFor();
    t.forgive();
  });

  it('takes the code from the address and out of the history', async () => {
    const page = await t.open();
    assert.ok(!page.url().includes(CODE), page.url());
    await page.reload();
    await page.waitForSelector('.app');
    assert.equal(t.fake.sessions.size, 1, 'the session is kept by its cookie');
  });

  it('asks again when the session ended on the box', async () => {
    const page = await t.open();
    await page.reload();
    await page.waitForSelector('.app');
    t.fake.sessions.clear();
    t.fake.cut();
    await page.getByLabel('Code').waitFor();
    t.forgive();
  });

  it('logs out', async () => {
    const page = await t.open('box');
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByLabel('Code').waitFor();
    assert.equal(t.fake.sessions.size, 0);
  });

  it('shows the state without a login where that is allowed, and refuses changes in the box’s words', async () => {
    t.fake.control.openStatus = true;
    t.play();
    const page = await t.blank();
    await page.goto(t.fake.url);
    await page.getByRole('heading', { name: 'Salt & Amber' }).waitFor();
    await page.getByText('this page is not logged in').waitFor();
    await page.locator('main').getByRole('button', { name: 'Next' }).click();
    await page.locator('.toast').getByText('Log in to change things').waitFor();
    await t.go(page, 'sound');
    await page.getByText('Log in to listen.').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Listen here' }).isDisabled(), true);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByLabel('Code').fill(CODE);
    await page.keyboard.press('Enter');
    await until(async () => (await page.locator('.banner').isHidden()) && (await page.locator('.app').count()) === 1);
  });
});
