// The hosted pages in headless Chromium: on a desktop and on a phone, in light and in dark, without
// JavaScript, by keyboard alone. Screenshots are kept in target/screenshots.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, describe, it } from 'node:test';

import { startDoorward } from '../clients/node/doorward.mjs';
import * as screens from './screens.mjs';
import { SCREENS, assertAccessible, assertNoSidewaysScroll, keep } from './screens.mjs';

let doorward, chrome;
/** Where the demo app would be. */
const app = createServer((_, answer) => answer.setHeader('content-type', 'text/html').end('<h1>the app</h1>'));
before(async () => {
  await once(app.listen(3000, '127.0.0.1'), 'listening');
  doorward = await startDoorward('sqlite');
  chrome = await screens.startChrome();
});
after(async () => {
  await chrome?.close();
  app.closeAllConnections();
  app.close();
  await doorward?.stop();
});

const onScreen = (options, visit) => screens.onScreen(chrome, options, visit);
const issuer = () => doorward.tenant.issuer;

async function signIn(page, { email, password }) {
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** An authorization request of the demo app, with a PKCE challenge that nobody will redeem. */
function authorizeUrl(parameters = {}) {
  const query = new URLSearchParams({
    client_id: doorward.app.client_id,
    redirect_uri: 'http://127.0.0.1:3000/callback',
    response_type: 'code',
    scope: 'openid profile email',
    state: 'xyz',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
    ...parameters,
  });
  return `${issuer()}/oauth2/authorize?${query}`;
}


for (const screen of SCREENS) {
  describe(`on ${screen.name}`, () => {
    it('the demo user signs in, sees who they are, and signs out', () =>
      onScreen(screen, async page => {
        const refused = [];
        page.on('console', message => message.type() === 'error' && refused.push(message.text()));
        await page.goto(`${issuer()}/login`);
        await assertAccessible(page);
        await assertNoSidewaysScroll(page);
        await keep(page, `login-${screen.name}`);

        await signIn(page, doorward.user);
        await page.waitForURL('**/account');
        assert.equal(await page.getByLabel('Name').inputValue(), 'Ada Demo');
        assert.match(await page.textContent('main'), /ADMIN/);
        await assertAccessible(page);
        await assertNoSidewaysScroll(page);
        await keep(page, `account-${screen.name}`);

        await page.getByRole('button', { name: 'Sign out' }).click();
        assert.match(await page.textContent('h1'), /signed out/i);
        await assertAccessible(page);
        await keep(page, `signed-out-${screen.name}`);
        await page.goto(`${issuer()}/account`);
        assert.match(page.url(), /\/login$/);
        assert.deepEqual(refused, [], 'the browser refused nothing of our pages');
      }));

    it('a wrong password and empty fields say so beside the form, and lose nothing', () =>
      onScreen(screen, async page => {
        await page.goto(`${issuer()}/login`);
        await signIn(page, { email: doorward.user.email, password: 'not the password' });
        assert.match(await page.getByRole('alert').textContent(), /do not match/);
        assert.equal(await page.getByLabel('E-mail').inputValue(), doorward.user.email);
        await assertAccessible(page);
        await keep(page, `login-wrong-${screen.name}`);
        await signIn(page, { email: '', password: '' });
        assert.equal(await page.getByLabel('E-mail').getAttribute('aria-invalid'), 'true');
        await assertAccessible(page);
        await keep(page, `login-empty-${screen.name}`);
      }));

    it('a broken link ends on a page that says what to do', () =>
      onScreen(screen, async page => {
        const answer = await page.goto(authorizeUrl({ redirect_uri: 'https://evil.example/' }));
        assert.equal(answer.status(), 400);
        await assertAccessible(page);
        await assertNoSidewaysScroll(page);
        await keep(page, `error-${screen.name}`);
      }));

    it('the welcome page of dev shows where to click', () =>
      onScreen(screen, async page => {
        await page.goto(doorward.public_url);
        await assertAccessible(page);
        await assertNoSidewaysScroll(page);
        await keep(page, `welcome-${screen.name}`);
      }));
  });
}

describe('an app sends its user here', () => {
  it('and gets them back with a code, past the policy of the page', () =>
    onScreen({}, async page => {
      await page.goto(authorizeUrl({ login_hint: doorward.user.email }));
      assert.equal(await page.getByLabel('E-mail').inputValue(), doorward.user.email);
      assert.match(await page.textContent('main'), /Demo App/);
      await keep(page, 'login-for-app');
      await signIn(page, doorward.user);
      await page.waitForURL('http://127.0.0.1:3000/callback?**');
      const answer = new URL(page.url()).searchParams;
      assert.equal(answer.get('state'), 'xyz');
      assert.equal(answer.get('iss'), issuer());
      assert.match(answer.get('code'), /^[A-Za-z0-9]+$/);

      await page.goto(authorizeUrl({ prompt: 'select_account' }));
      await assertAccessible(page);
      await keep(page, 'confirm');
      await page.getByRole('button', { name: 'Continue', exact: true }).click();
      await page.waitForURL('http://127.0.0.1:3000/callback?**');
    }));

  it('with response_mode=form_post the page posts itself on', () =>
    onScreen({}, async page => {
      const posted = page.waitForRequest('http://127.0.0.1:3000/callback');
      await page.goto(authorizeUrl({ response_mode: 'form_post' }));
      await signIn(page, doorward.user);
      const fields = new URLSearchParams((await posted).postData());
      assert.equal(fields.get('state'), 'xyz');
      assert.equal(fields.get('iss'), issuer());
      assert.ok(fields.get('code'));
    }));

  it('without JavaScript all of it works', () =>
    onScreen({ javaScriptEnabled: false }, async page => {
      await page.goto(authorizeUrl());
      await signIn(page, doorward.user);
      await page.waitForURL('http://127.0.0.1:3000/callback?**');
    }));

  it('by keyboard alone', () =>
    onScreen({}, async page => {
      await page.goto(authorizeUrl());
      await page.locator('#email:focus').waitFor(); // the field has the focus by itself, with the first frame
      await page.keyboard.type(doorward.user.email);
      await page.keyboard.press('Tab');
      await page.keyboard.type(doorward.user.password);
      await page.keyboard.press('Enter');
      await page.waitForURL('http://127.0.0.1:3000/callback?**');
    }));
});
