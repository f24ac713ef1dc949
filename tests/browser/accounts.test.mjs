// Accounts in headless Chromium, through the product's own pages and its mailbox: signing up, recovering, a
// code by mail, consent, and looking after oneself.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, describe, it } from 'node:test';

import { startDoorward } from '../clients/node/doorward.mjs';
import * as screens from './screens.mjs';
import { SCREENS, assertAccessible, assertButtonsKeepTheirWords, assertNoSidewaysScroll, keep } from './screens.mjs';

const PASSWORD = 'otters juggle quietly at noon';
const OTHER = 'lanterns drift over cold water';
const PARTNER = 'http://127.0.0.1:3100/callback';

let doorward, chrome, partner;
/** Where the third party's app would be. */
const app = createServer((_, answer) => answer.setHeader('content-type', 'text/html').end('<h1>the app</h1>'));

before(async () => {
  await once(app.listen(3100, '127.0.0.1'), 'listening');
  doorward = await startDoorward('sqlite');
  partner = await doorward.createApp('acme', 'web', '--third-party', '--redirect-uri', PARTNER);
  await doorward.createTenant('bolt');
  await doorward.createTenant('club');
  for (const flags of [
    ['--slug', 'acme', '--email-code', 'on'],
    ['--slug', 'club', '--sign-up', 'closed'],
    ['--slug', 'bolt', '--email-verification', 'required', '--accent', '#ffd500', '--name', 'Bolt – Blitzableiterbaugesellschaft für den Nordosten mbH & Co. KG'],
  ]) {
    const { code, stderr } = await doorward.command(['tenant', 'set', ...flags]);
    assert.equal(code, 0, stderr);
  }
  await doorward.honoursChanges();
  chrome = await screens.startChrome();
});
after(async () => {
  await chrome?.close();
  app.closeAllConnections();
  app.close();
  await doorward?.stop();
});

const onScreen = (options, visit) => screens.onScreen(chrome, options, visit);
const at = (path, tenant = 'acme') => `${doorward.public_url}/t/${tenant}${path}`;

/** A page as it must be: accessible, no wider than its screen, and small. */
async function look(page, what, screen) {
  const name = `${what}-${screen.name}`;
  // axe-core is a script itself.
  if (screen.javaScriptEnabled !== false) await assertAccessible(page);
  await assertNoSidewaysScroll(page);
  await assertButtonsKeepTheirWords(page);
  // The mailbox of `dev` is as long as there are letters.
  if (what !== 'mailbox') assert.ok((await page.content()).length < 30_000, `${name} is larger than 30 KB`);
  await keep(page, name);
}

/** The newest letter to that address, once it has come. */
async function letterTo(email, wanted = /./) {
  for (let looks = 0; looks < 600; looks += 1) {
    const letters = await (await fetch(`${doorward.public_url}/mailbox`, { headers: { accept: 'application/json' } })).json();
    const letter = letters.find(({ to, subject }) => to === email && wanted.test(subject));
    if (letter) return letter;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  throw new Error(`no such letter came to ${email}`);
}

const linkIn = ({ text }) => text.match(/https?:\/\/\S+/)[0];
const heading = page => page.textContent('h1');

/** Every journey goes without scripts, too. */
const WITHOUT_SCRIPT = { name: 'without-script', viewport: { width: 800, height: 700 }, javaScriptEnabled: false };

for (const screen of [...SCREENS, WITHOUT_SCRIPT]) {
  describe(`on ${screen.name}`, () => {
    const email = what => `${what}-${screen.name}@people.example`;

    it('somebody signs up, verifies the address, and looks after the account', () =>
      onScreen(screen, async page => {
        const refused = [];
        page.on('console', message => message.type() === 'error' && refused.push(message.text()));
        await page.goto(at('/login'));
        await page.getByRole('link', { name: 'Create an account' }).click();
        await look(page, 'sign-up', screen);
        await page.getByLabel('E-mail').fill('not an address');
        await page.getByLabel('Password', { exact: true }).fill('short');
        await page.getByRole('button', { name: 'Create account' }).click();
        assert.equal(await page.getByLabel('E-mail').getAttribute('aria-invalid'), 'true');
        assert.equal(await page.evaluate(() => document.activeElement.id), 'email');
        await look(page, 'sign-up-wrong', screen);
        await page.getByLabel('Name').fill('Grace Hopper');
        await page.getByLabel('E-mail').fill(email('grace'));
        await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
        await page.getByRole('button', { name: 'Create account' }).click();
        await page.waitForURL('**/account');

        await page.goto(linkIn(await letterTo(email('grace'))));
        assert.match(await heading(page), /Verify your address/);
        await look(page, 'verify', screen);
        await page.getByRole('button', { name: 'Yes, it is mine' }).click();
        await page.waitForURL('**/account');
        assert.match(await page.textContent('main'), /verified/);
        await look(page, 'account-full', screen);

        await page.getByRole('link', { name: 'Change password' }).click();
        await look(page, 'change-password', screen);
        await page.getByLabel('New password').fill(OTHER);
        await page.getByRole('button', { name: 'Save the password' }).click();
        assert.match(await page.getByRole('status').first().textContent(), /Your password is changed/);
        await page.getByRole('link', { name: 'Change', exact: true }).click();
        await look(page, 'change-email', screen);
        await page.getByLabel('New e-mail address').fill(email('hopper'));
        await page.getByRole('button', { name: 'Send the link' }).click();
        await page.goto(linkIn(await letterTo(email('hopper'))));
        await page.getByRole('button', { name: 'Change the address' }).click();
        assert.match(await heading(page), /Your address is changed/);
        await look(page, 'email-changed', screen);

        await page.goto(at('/account'));
        await page.getByRole('link', { name: 'Delete my account' }).click();
        await look(page, 'delete', screen);
        await page.getByRole('button', { name: 'Delete my account' }).click();
        await page.getByText('Your account will be deleted on').waitFor();
        await look(page, 'account-leaving', screen);
        await page.getByRole('button', { name: 'Keep my account' }).click();
        await page.getByText('Your account stays.').waitFor();
        assert.deepEqual(refused, [], 'the browser refused nothing of our pages');
      }));

    it('a forgotten password is chosen anew', () =>
      onScreen(screen, async page => {
        const user = email('ada');
        await doorward.createUser('acme', { email: user, password: PASSWORD, name: 'Ada' });
        await page.goto(at('/login'));
        await page.getByRole('link', { name: 'Forgot your password?' }).click();
        await look(page, 'forgot', screen);
        await page.getByLabel('E-mail').fill(user);
        await page.getByRole('button', { name: 'Send the link' }).click();
        assert.match(await heading(page), /Look at your mail/);
        await look(page, 'check-mail', screen);
        const link = linkIn(await letterTo(user));
        await page.goto(link);
        await page.getByLabel('New password').fill('password');
        await page.getByRole('button', { name: 'Set the new password' }).click();
        assert.match(await page.textContent('#password-error'), /easy to guess/);
        await look(page, 'reset-weak', screen);
        await page.getByLabel('New password').fill(OTHER);
        await page.getByRole('button', { name: 'Set the new password' }).click();
        await page.getByText('Your new password is set').waitFor();
        await look(page, 'login-after-reset', screen);
        await page.getByLabel('E-mail').fill(user);
        await page.getByLabel('Password', { exact: true }).fill(OTHER);
        await page.getByRole('button', { name: 'Sign in' }).click();
        await page.waitForURL('**/account');
        await page.goto(link);
        assert.match(await heading(page), /does not work any more/);
        await look(page, 'link-spent', screen);
      }));

    it('somebody signs in with a code by mail', () =>
      onScreen(screen, async page => {
        const user = email('code');
        await doorward.createUser('acme', { email: user, password: PASSWORD, name: 'Code' });
        await page.goto(at('/login'));
        await page.getByRole('link', { name: 'Sign in with a code by e‑mail' }).click();
        await look(page, 'code-ask', screen);
        await page.getByLabel('E-mail').fill(user);
        await page.getByRole('button', { name: 'Send the code' }).click();
        const code = (await letterTo(user)).text.match(/\b\d{6}\b/)[0];
        await look(page, 'code-enter', screen);
        const wrong = code === '000000' ? '111111' : '000000';
        await page.getByLabel('Six-digit code').fill(wrong);
        await page.getByRole('button', { name: 'Sign in' }).click();
        assert.match(await page.textContent('#code-error'), /That is not the code/);
        await look(page, 'code-wrong', screen);
        await page.getByLabel('Six-digit code').fill(code);
        await page.getByRole('button', { name: 'Sign in' }).click();
        await page.waitForURL('**/account');
      }));

    it('a code that was guessed at too often is over, and the page leads on', () =>
      onScreen(screen, async page => {
        const user = email('guessed');
        await doorward.createUser('acme', { email: user, password: PASSWORD, name: 'Guessed' });
        await page.goto(at('/login'));
        await page.getByRole('link', { name: 'Sign in with a code by e‑mail' }).click();
        await page.getByLabel('E-mail').fill(user);
        await page.getByRole('button', { name: 'Send the code' }).click();
        const code = (await letterTo(user)).text.match(/\b\d{6}\b/)[0];
        const wrong = code === '000000' ? '111111' : '000000';
        for (let tries = 0; tries < 6 && (await page.getByLabel('Six-digit code').count()); tries += 1) {
          await page.getByLabel('Six-digit code').fill(wrong);
          await page.getByRole('button', { name: 'Sign in' }).click();
        }
        assert.match(await heading(page), /Ask for a new code/);
        await look(page, 'code-over', screen);
        assert.ok(await page.locator('main a.button, main button').count(), 'a way on');
      }));

    it('too many wrong passwords are told how long to wait, and other ways stay open', () =>
      onScreen(screen, async page => {
        const user = email('waits');
        await doorward.createUser('acme', { email: user, password: PASSWORD, name: 'Waits' });
        await page.goto(at('/login'));
        const guess = JSON.stringify({ email: user, password: 'not the password' });
        const basic = btoa(`${doorward.app.client_id}:${doorward.app.client_secret}`);
        const headers = { 'content-type': 'application/json', authorization: `Basic ${basic}` };
        // As many at once as a slow machine hashes before it says that it has too much to do.
        for (let turn = 0; turn < 10; turn += 1) {
          const guesses = Array.from({ length: 6 }, () => fetch(at('/v1/auth/login'), { method: 'POST', headers, body: guess }));
          for (const { status } of await Promise.all(guesses)) assert.equal(status, 401);
        }
        await page.getByLabel('E-mail').fill(user);
        await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
        await page.getByRole('button', { name: 'Sign in' }).click();
        assert.match(await page.textContent('main'), /Wait (one|\d+) (second|minute)s? and try again/);
        await look(page, 'wait', screen);
        await page.getByRole('link', { name: 'Sign in with a code by e‑mail' }).click();
        await page.getByLabel('E-mail').fill(user);
        await page.getByRole('button', { name: 'Send the code' }).click();
        const code = (await letterTo(user)).text.match(/\b\d{6}\b/)[0];
        await page.getByLabel('Six-digit code').fill(code);
        await page.getByRole('button', { name: 'Sign in' }).click();
        await page.waitForURL('**/account');
      }));

    it('where sign-up is closed the page says so', () =>
      onScreen(screen, async page => {
        await page.goto(at('/signup', 'club'));
        await look(page, 'sign-up-closed', screen);
        assert.match(await heading(page), /Accounts are made by an admin/);
        assert.equal(await page.getByLabel('Password').count(), 0);
      }));

    it('a form whose cookie is lost leads to its page again', () =>
      onScreen(screen, async page => {
        await page.goto(at('/signup'));
        await page.context().clearCookies();
        await page.getByLabel('E-mail').fill(email('lost'));
        await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
        await page.getByRole('button', { name: 'Create account' }).click();
        assert.match(await heading(page), /This form has expired/);
        await look(page, 'form-expired', screen);
        await page.getByRole('link', { name: 'Open the page again' }).click();
        await page.waitForURL('**/signup');
        await page.getByLabel('E-mail').fill(email('lost'));
        await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
        await page.getByRole('button', { name: 'Create account' }).click();
        await page.waitForURL('**/account');
      }));

    it('a third party asks for consent', () =>
      onScreen(screen, async page => {
        const query = new URLSearchParams({
          client_id: partner.client_id, redirect_uri: PARTNER, response_type: 'code',
          scope: 'openid profile email roles offline_access', prompt: 'consent',
        });
        await page.goto(at(`/oauth2/authorize?${query}`));
        await page.getByLabel('E-mail').fill(doorward.user.email);
        await page.getByLabel('Password', { exact: true }).fill(doorward.user.password);
        await page.getByRole('button', { name: 'Sign in' }).click();
        await page.waitForURL('**/consent?**');
        await look(page, 'consent', screen);
        await page.getByRole('button', { name: 'Allow', exact: true }).click();
        await page.waitForURL(`${PARTNER}?**`);
        assert.ok(new URL(page.url()).searchParams.get('code'));
        await page.goto(at('/account'));
        await look(page, 'account-apps', screen);
      }));

    it('where verification is required, the letter leads on; the tenant shows its colour and a long name', () =>
      onScreen(screen, async page => {
        const user = email('bolt');
        await page.goto(at('/signup', 'bolt'));
        await look(page, 'sign-up-accent', screen);
        await page.getByLabel('E-mail').fill(user);
        await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
        await page.getByRole('button', { name: 'Create account' }).click();
        assert.match(await heading(page), /Look at your mail/);
        await page.getByRole('button', { name: 'Send it again' }).click();
        await page.getByText('Sent once more').waitFor();
        await look(page, 'check-mail-again', screen);
        await page.goto(linkIn(await letterTo(user)));
        await page.getByRole('button', { name: 'Yes, it is mine' }).click();
        await page.getByText('Your address is verified').waitFor();
        await page.goto(`${doorward.public_url}/mailbox`);
        await look(page, 'mailbox', screen);
      }));
  });
}

/** Goes there as a keyboard does; a target that Tab never reaches fails. */
async function tabTo(page, target) {
  for (let presses = 0; presses < 60; presses += 1) {
    if (await target.evaluate(element => element === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  assert.fail(`no Tab leads to ${target}`);
}

async function press(page, role, name) {
  await tabTo(page, page.getByRole(role, { name, exact: true }).first());
  await page.keyboard.press('Enter');
}

async function type(page, label, text) {
  await tabTo(page, page.getByLabel(label, { exact: true }));
  await page.keyboard.type(text);
}

describe('by keyboard alone', () => {
  it('a password is recovered, and the account kept in order', () =>
    onScreen({}, async page => {
      const user = 'tabs@people.example';
      await doorward.createUser('acme', { email: user, password: PASSWORD, name: 'Tabs' });
      await page.goto(at('/login'));
      await press(page, 'link', 'Forgot your password?');
      await page.waitForURL('**/forgot-password');
      await type(page, 'E-mail', user);
      await press(page, 'button', 'Send the link');
      await page.getByText('Look at your mail').waitFor();
      await page.goto(linkIn(await letterTo(user)));
      await type(page, 'New password', OTHER);
      await press(page, 'button', 'Set the new password');
      await page.getByText('Your new password is set').waitFor();
      await type(page, 'E-mail', user);
      await type(page, 'Password', OTHER);
      await page.keyboard.press('Enter');
      await page.waitForURL('**/account');
      await press(page, 'link', 'Delete my account');
      await page.waitForURL('**/account/delete');
      await press(page, 'button', 'Delete my account');
      await page.getByText('Your account will be deleted on').waitFor();
      await press(page, 'button', 'Keep my account');
      await page.getByText('Your account stays.').waitFor();
    }));

  it('a code is asked for and entered, and a third party allowed', () =>
    onScreen({}, async page => {
      const user = 'tabs-and-codes@people.example';
      await doorward.createUser('acme', { email: user, password: PASSWORD, name: 'Codes' });
      const query = new URLSearchParams({
        client_id: partner.client_id, redirect_uri: PARTNER, response_type: 'code', scope: 'openid email', prompt: 'consent',
      });
      await page.goto(at(`/oauth2/authorize?${query}`));
      await press(page, 'link', 'Sign in with a code by e‑mail');
      await page.waitForURL('**/login/code**');
      await type(page, 'E-mail', user);
      await press(page, 'button', 'Send the code');
      await page.getByLabel('Six-digit code').waitFor();
      await type(page, 'Six-digit code', (await letterTo(user)).text.match(/\b\d{6}\b/)[0]);
      await page.keyboard.press('Enter');
      await page.waitForURL('**/consent?**');
      await press(page, 'button', 'Allow');
      await page.waitForURL(`${PARTNER}?**`);
      assert.ok(new URL(page.url()).searchParams.get('code'));
    }));

  it('somebody signs up', () =>
    onScreen({}, async page => {
      await page.goto(at('/signup'));
      await page.locator('#name:focus').waitFor();
      await page.keyboard.type('Key Board');
      await page.keyboard.press('Tab');
      await page.keyboard.type('keys@people.example');
      await page.keyboard.press('Tab');
      await page.keyboard.type(PASSWORD);
      assert.equal(await page.textContent('.strength'), 'Looks good');
      await page.keyboard.press('Enter');
      await page.waitForURL('**/account');
    }));
});

describe('for everybody', () => {
  it('the strength of a password shows as one types, nothing jumps, and what everybody types is not praised', () =>
    onScreen({ viewport: { width: 320, height: 640 } }, async page => {
      await page.goto(at('/signup'));
      const button = page.getByRole('button', { name: 'Create account' });
      const before = await button.boundingBox();
      const field = page.getByLabel('Password', { exact: true });
      for (const password of ['qwertyuiopasdfgh', '1234567890abcdef', 'iloveyou12345678', 'password12345678', '1qaz2wsx3edc4rfv', 'short']) {
        await field.fill(password);
        assert.equal(await page.textContent('.strength'), 'Easy to guess', password);
        assert.deepEqual(await button.boundingBox(), before);
      }
      await field.fill(PASSWORD);
      assert.equal(await page.textContent('.strength'), 'Looks good');
      assert.deepEqual(await button.boundingBox(), before);
      // It is still there when the server has refused one.
      await page.getByLabel('E-mail').fill('refused@people.example');
      await field.fill('password12345678');
      await button.click();
      await page.locator('#password-error').waitFor();
      await field.fill(PASSWORD);
      assert.equal(await page.textContent('.strength'), 'Looks good');
    }));

  it('a page weighs less than 30 KB on the wire, with all that it needs', () =>
    onScreen({}, async page => {
      const wire = await page.context().newCDPSession(page);
      await wire.send('Network.enable');
      let bytes = 0;
      let requests = 0;
      wire.on('Network.loadingFinished', ({ encodedDataLength }) => {
        bytes += encodedDataLength;
        requests += 1;
      });
      for (const path of ['/login', '/signup', '/forgot-password']) {
        await wire.send('Network.clearBrowserCache');
        [bytes, requests] = [0, 0];
        await page.goto(at(path), { waitUntil: 'networkidle' });
        assert.ok(requests >= 3, `${path}: page, style sheet and script were counted, not ${requests}`);
        assert.ok(bytes > 3_000 && bytes < 30_000, `${path} weighs ${bytes} bytes`);
      }
    }));

  it('a letter looks as good as a page', () =>
    onScreen({ viewport: { width: 600, height: 700 } }, async page => {
      await page.goto(at('/forgot-password', 'bolt'));
      await page.goto(at('/forgot-password'));
      await page.getByLabel('E-mail').fill(doorward.user.email);
      await page.getByRole('button', { name: 'Send the link' }).click();
      const { html } = await letterTo(doorward.user.email, /new password/);
      await page.goto('about:blank'); // out from under the policy of our pages
      await page.setContent(html);
      await keep(page, 'letter');
      assert.equal(await page.getByRole('link', { name: 'Choose a new password' }).count(), 1);
    }));
});
