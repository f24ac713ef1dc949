// Accounts in headless Chromium, through the product's own pages and its mailbox: signing up, recovering, a
// code by mail, consent, and looking after oneself.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, describe, it } from 'node:test';

import { startDoorward } from '../clients/node/doorward.mjs';
import * as screens from './screens.mjs';
import { SCREENS, assertAccessible, assertNoSidewaysScroll, keep } from './screens.mjs';

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
  for (const flags of [
    ['--slug', 'acme', '--email-code', 'on'],
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

/** A page as it must be: accessible, no wider than its screen, small, and with nothing refused by its policy. */
async function look(page, name) {
  await assertAccessible(page);
  await assertNoSidewaysScroll(page);
  assert.ok((await page.content()).length < 30_000, `${name} is larger than 30 KB`);
  await keep(page, name);
}

/** The newest letter to that address, once it has come. */
async function letterTo(email, wanted = /./) {
  for (;;) {
    const letters = await (await fetch(`${doorward.public_url}/mailbox`, { headers: { accept: 'application/json' } })).json();
    const letter = letters.find(({ to, subject }) => to === email && wanted.test(subject));
    if (letter) return letter;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

const linkIn = ({ text }) => text.match(/https?:\/\/\S+/)[0];
const heading = page => page.textContent('h1');

for (const screen of SCREENS) {
  describe(`on ${screen.name}`, () => {
    const email = what => `${what}-${screen.name}@people.example`;

    it('somebody signs up, verifies the address, and looks after the account', () =>
      onScreen(screen, async page => {
        const refused = [];
        page.on('console', message => message.type() === 'error' && refused.push(message.text()));
        await page.goto(at('/login'));
        await page.getByRole('link', { name: 'Create an account' }).click();
        await look(page, `sign-up-${screen.name}`);
        await page.getByLabel('E-mail').fill('not an address');
        await page.getByLabel('Password', { exact: true }).fill('short');
        await page.getByRole('button', { name: 'Create account' }).click();
        assert.equal(await page.getByLabel('E-mail').getAttribute('aria-invalid'), 'true');
        assert.equal(await page.evaluate(() => document.activeElement.id), 'email');
        await look(page, `sign-up-wrong-${screen.name}`);
        await page.getByLabel('Name').fill('Grace Hopper');
        await page.getByLabel('E-mail').fill(email('grace'));
        await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
        await page.getByRole('button', { name: 'Create account' }).click();
        await page.waitForURL('**/account');

        await page.goto(linkIn(await letterTo(email('grace'))));
        assert.match(await heading(page), /Verify your address/);
        await look(page, `verify-${screen.name}`);
        await page.getByRole('button', { name: 'Yes, it is mine' }).click();
        await page.waitForURL('**/account');
        assert.match(await page.textContent('main'), /verified/);
        await look(page, `account-full-${screen.name}`);

        await page.getByRole('link', { name: 'Change password' }).click();
        await look(page, `change-password-${screen.name}`);
        await page.getByLabel('New password').fill(OTHER);
        await page.getByRole('button', { name: 'Save the password' }).click();
        assert.match(await page.getByRole('status').first().textContent(), /Your password is changed/);
        await page.getByRole('link', { name: 'Change', exact: true }).click();
        await look(page, `change-email-${screen.name}`);
        await page.getByLabel('New e-mail address').fill(email('hopper'));
        await page.getByRole('button', { name: 'Send the link' }).click();
        await page.goto(linkIn(await letterTo(email('hopper'))));
        await page.getByRole('button', { name: 'Change the address' }).click();
        assert.match(await heading(page), /Your address is changed/);
        await look(page, `email-changed-${screen.name}`);

        await page.goto(at('/account'));
        await page.getByRole('link', { name: 'Delete my account' }).click();
        await look(page, `delete-${screen.name}`);
        await page.getByRole('button', { name: 'Delete my account' }).click();
        await page.getByText('Your account will be deleted on').waitFor();
        await look(page, `account-leaving-${screen.name}`);
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
        await look(page, `forgot-${screen.name}`);
        await page.getByLabel('E-mail').fill(user);
        await page.getByRole('button', { name: 'Send the link' }).click();
        assert.match(await heading(page), /Look at your mail/);
        await look(page, `check-mail-${screen.name}`);
        const link = linkIn(await letterTo(user));
        await page.goto(link);
        await page.getByLabel('New password').fill('password');
        await page.getByRole('button', { name: 'Set the new password' }).click();
        assert.match(await page.textContent('#password-error'), /easy to guess/);
        await look(page, `reset-weak-${screen.name}`);
        await page.getByLabel('New password').fill(OTHER);
        await page.getByRole('button', { name: 'Set the new password' }).click();
        await page.getByText('Your new password is set').waitFor();
        await look(page, `login-after-reset-${screen.name}`);
        await page.getByLabel('E-mail').fill(user);
        await page.getByLabel('Password', { exact: true }).fill(OTHER);
        await page.getByRole('button', { name: 'Sign in' }).click();
        await page.waitForURL('**/account');
        await page.goto(link);
        assert.match(await heading(page), /does not work any more/);
        await look(page, `link-spent-${screen.name}`);
      }));

    it('somebody signs in with a code by mail', () =>
      onScreen(screen, async page => {
        const user = email('code');
        await doorward.createUser('acme', { email: user, password: PASSWORD, name: 'Code' });
        await page.goto(at('/login'));
        await page.getByRole('link', { name: 'Sign in with a code by e-mail' }).click();
        await look(page, `code-ask-${screen.name}`);
        await page.getByLabel('E-mail').fill(user);
        await page.getByRole('button', { name: 'Send the code' }).click();
        const code = (await letterTo(user)).text.match(/\b\d{6}\b/)[0];
        await page.getByLabel('Six-digit code').fill(code === '000000' ? '111111' : '000000');
        await page.getByRole('button', { name: 'Sign in' }).click();
        assert.match(await page.textContent('#code-error'), /That is not the code/);
        await look(page, `code-wrong-${screen.name}`);
        await page.getByLabel('Six-digit code').fill(code);
        await page.getByRole('button', { name: 'Sign in' }).click();
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
        await look(page, `consent-${screen.name}`);
        await page.getByRole('button', { name: 'Allow', exact: true }).click();
        await page.waitForURL(`${PARTNER}?**`);
        assert.ok(new URL(page.url()).searchParams.get('code'));
        await page.goto(at('/account'));
        await look(page, `account-apps-${screen.name}`);
      }));

    it('where verification is required, the letter leads on; the tenant shows its colour and a long name', () =>
      onScreen(screen, async page => {
        const user = email('bolt');
        await page.goto(at('/signup', 'bolt'));
        await look(page, `sign-up-accent-${screen.name}`);
        await page.getByLabel('E-mail').fill(user);
        await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
        await page.getByRole('button', { name: 'Create account' }).click();
        assert.match(await heading(page), /Look at your mail/);
        await page.getByRole('button', { name: 'Send it again' }).click();
        await page.getByText('Sent once more').waitFor();
        await look(page, `check-mail-again-${screen.name}`);
        await page.goto(linkIn(await letterTo(user)));
        await page.getByRole('button', { name: 'Yes, it is mine' }).click();
        await page.getByText('Your address is verified').waitFor();
        await page.goto(`${doorward.public_url}/mailbox`);
        await look(page, `mailbox-${screen.name}`);
      }));
  });
}

describe('for everybody', () => {
  it('all of it works without JavaScript', () =>
    onScreen({ javaScriptEnabled: false }, async page => {
      await page.goto(at('/signup'));
      await page.getByLabel('E-mail').fill('plain@people.example');
      await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
      await page.getByRole('button', { name: 'Create account' }).click();
      await page.waitForURL('**/account');
      await page.goto(linkIn(await letterTo('plain@people.example')));
      await page.getByRole('button', { name: 'Yes, it is mine' }).click();
      await page.waitForURL('**/account');
      await page.getByLabel('Name').fill('Plain');
      await page.getByRole('button', { name: 'Save' }).click();
      await page.getByText('Your name is saved').waitFor();
    }));

  it('and by keyboard alone', () =>
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
