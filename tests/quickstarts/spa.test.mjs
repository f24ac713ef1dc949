// The single-page app, built and served as its README says, in headless Chromium.

import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';

import { startDoorward } from '../clients/node/doorward.mjs';
import { onScreen, startChrome } from '../browser/screens.mjs';
import { freePort, startBlock } from './readme.mjs';

let chrome, doorward, app, url;

before(async () => {
  chrome = await startChrome();
  doorward = await startDoorward('sqlite');
  const port = await freePort();
  url = `http://localhost:${port}`;
  const redirects = ['--redirect-uri', `${url}/callback`, '--post-logout-redirect-uri', `${url}/`];
  const spa = await doorward.createApp(doorward.tenant.slug, 'spa', ...redirects, '--allowed-origin', url, '--direct-login');
  await doorward.honoursChanges();
  app = await startBlock('spa', url, {
    env: { PORT: String(port), VITE_DOORWARD_ISSUER: doorward.tenant.issuer, VITE_DOORWARD_ID: spa.client_id ?? spa.id },
  });
});

after(async () => {
  await chrome?.close();
  await app?.stop();
  await doorward?.stop();
});

const who = (page, text) => page.waitForSelector(`#who:has-text("${text}")`);

/** Makes the tokens that the page holds look as if they were about to end. */
const age = page =>
  page.evaluate(() => {
    for (const key of Object.keys(localStorage).filter(key => key.startsWith('oidc.user:'))) {
      const user = JSON.parse(localStorage.getItem(key));
      localStorage.setItem(key, JSON.stringify({ ...user, expires_at: Math.floor(Date.now() / 1_000) + 5 }));
    }
  });

it('signs in through the hosted login, refreshes in five tabs at once, and signs out', async () => {
  await onScreen(chrome, {}, async page => {
    await page.goto(url);
    await who(page, 'Nobody');
    await page.click('#sign-in');
    await page.fill('[name=email]', doorward.user.email);
    await page.fill('[name=password]', doorward.user.password);
    await page.click('main button[type=submit]:not([data-reveal])');
    await who(page, `${doorward.user.email}, ADMIN`);
    const tabs = [page];
    while (tabs.length < 5) {
      const tab = await page.context().newPage();
      await tab.goto(url);
      await who(tab, 'ADMIN');
      tabs.push(tab);
    }
    let refreshes = 0;
    page.context().on('request', request => {
      if (request.url().endsWith('/oauth2/token')) refreshes += 1;
    });
    for (const round of [1, 2, 3]) {
      await age(page);
      await Promise.all(tabs.map(tab => tab.click('#refresh')));
      // Whoever gets the lock now comes after all of them.
      await page.evaluate(() => navigator.locks.request('doorward-refresh', () => {}));
      for (const tab of tabs) await who(tab, 'ADMIN');
      // Often one does for all. But what a tab stores, another may see a moment later.
      assert.ok(refreshes >= round && refreshes <= round * tabs.length, `${refreshes} in ${round} rounds`);
      for (const tab of tabs) assert.equal(await tab.textContent('#problem'), '');
    }
    await page.click('#sign-out');
    await page.waitForURL(`${url}/`);
    await who(page, 'Nobody');
  });
});

it('signs in with its own form, keeps no token where a script finds it, and stays signed in over a reload', async () => {
  await onScreen(chrome, {}, async page => {
    await page.goto(`${url}/own-form.html`);
    await page.fill('[name=email]', doorward.user.email);
    await page.fill('[name=password]', 'wrong');
    await page.click('form button');
    await page.waitForSelector('#problem:has-text("is wrong")');
    await page.fill('[name=password]', doorward.user.password);
    await page.click('form button');
    await who(page, `${doorward.user.email}, ADMIN`);
    const found = await page.evaluate(() => JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }]));
    assert.equal(found, '["",{},{}]');
    await page.reload();
    await who(page, 'ADMIN');
    await page.click('#sign-out');
    await who(page, 'Nobody');
    await page.reload();
    await who(page, 'Nobody');
  });
});
