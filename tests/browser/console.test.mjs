// The console in headless Chromium: from the first visit to an app of one's own, and every page on every screen.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { freePort } from '../quickstarts/readme.mjs';
import { startDoorward } from '../clients/node/doorward.mjs';
import { assertAccessible, assertButtonsKeepTheirWords, assertNoSidewaysScroll, keep, onScreen, SCREENS, startChrome } from './screens.mjs';
import { signInToConsole } from './sign-in-to-console.mjs';

let chrome, dev;

/** As long as the name of its record lets it be. */
const LONG_HOST = `${`${'a'.repeat(57)}.`.repeat(4)}b`;

before(async () => {
  dev = await startDoorward('sqlite', { DOORWARD_DNS_SERVERS: '127.0.0.1:1' }); // where nobody answers
  chrome = await startChrome();
});

after(async () => {
  await chrome?.close();
  await dev?.stop();
});

for (const { name, ...options } of SCREENS) {
  test(`an admin configures a tenant on ${name}, and every page is fit to be shown`, async () => {
    await onScreen(chrome, options, async (page) => {
      await signInToConsole(page, dev);
      const look = async (what) => {
        await assertAccessible(page);
        await assertNoSidewaysScroll(page);
        await assertButtonsKeepTheirWords(page);
        await keep(page, `console-${what}-${name}`);
      };
      await look('tenants');

      await page.click('text=New tenant');
      await page.fill('#name', `A tenant with quite a long name, ${'very '.repeat(20)}long`);
      await page.fill('#slug', 'Not A Slug');
      await page.click('text=Create tenant');
      assert.match(await page.textContent('[role=alert]'), /a slug is/);
      assert.match(await page.inputValue('#name'), /^A tenant with/);
      await look('tenant-refused');
      await page.fill('#slug', `long-${name}`);
      await page.click('text=Create tenant');

      await page.waitForURL('**/apps/new');
      await look('app-new');
      await page.fill('#name', 'My site');
      await page.click('text=Create application');
      assert.match(await page.textContent('.whole'), /^[A-Za-z0-9]{43}$/);
      assert.match(await page.textContent('pre'), /AUTH_DOORWARD_SECRET=[A-Za-z0-9]{43}/);
      await look('app-made');

      await page.click('text=Try it');
      await page.waitForURL('**/login*');
      await page.goto(`${dev.public_url}/console/t/long-${name}`);

      await page.click('nav >> text=Roles');
      await page.fill('#key', 'EDITOR');
      await page.fill('#description', 'Edits what others wrote');
      await page.click('text=Create role');
      await page.fill('#key', 'EDITOR');
      await page.click('text=Create role');
      assert.match(await page.textContent('[role=alert]'), /there is a role/);
      await look('roles');

      await page.click('nav >> text=Users');
      await look('users-empty');
      const address = `somebody.with.a.long.address.${'x'.repeat(30)}@example.com`;
      for (const [way, told] of [['create', /No mail went out/], ['invite', null]]) {
        await page.click('nav >> text=Users');
        await page.click('text=New user');
        await page.fill('#email', address);
        await page.fill('#name', `Some Body with a name that is ${'very '.repeat(30)}long`);
        await page.check(`[value=${way}]`);
        await page.check('[name=role-1]');
        await page.click('text=Add the user');
        if (told) assert.match(await page.textContent('[role=status]'), told);
      }
      assert.match(await page.textContent('#email-problem'), /there is a user/i);
      assert.equal(await page.inputValue('#email'), address);
      assert.ok(await page.isChecked('[name=role-1]'));
      await look('user-new-refused');
      await page.click('nav >> text=Users');
      await look('users');
      await page.click(`text=${address}`);
      assert.ok(await page.isChecked('[name=role-1]'));
      await page.uncheck('[name=role-1]');
      await page.click('text=Save roles');
      assert.match(await page.textContent('[role=status]'), /next refresh/);
      await page.reload();
      assert.ok(!(await page.isChecked('[name=role-1]')));
      await page.check('[name=role-1]');
      await page.click('text=Save roles');
      await page.fill('main #name', 'x'.repeat(150));
      await page.click('text=Save name');
      await page.click('text=Preview');
      assert.match(await page.textContent('pre'), /"role": "EDITOR"/);
      await look('user');

      await page.click('nav >> text=Sign-in methods');
      await look('sign-in-methods-empty');
      await page.click('text=Add Google');
      assert.match(await page.textContent('pre'), /\/federation\/google\/callback$/m);
      await page.fill('#client_id', '1234567890-abcdefghijklmnopqrstuvwxyz.apps.googleusercontent.com');
      await page.fill('#client_secret', 'from google');
      await page.fill('#allowed_domains', 'not a domain');
      await page.click('main button:text("Add")');
      assert.match(await page.textContent('[role=alert]'), /a domain is/);
      await look('provider-refused');
      await page.fill('#allowed_domains', 'example.com');
      await page.fill('#client_secret', 'from google');
      await page.click('main button:text("Add")');
      await page.waitForURL(/\/providers\/google\?done=/);
      await page.click('summary:has-text("Remove")');
      await look('provider');
      await page.click('nav >> text=Sign-in methods');
      await look('sign-in-methods');
      await page.fill('#least', '7');
      await page.locator('form:has(#least)').evaluate(form => (form.noValidate = true));
      await page.click('main button:text-is("Save")');
      assert.match(await page.textContent('#least-problem'), /from 8 to 64/);
      await look('sign-in-methods-refused');
      await page.fill('#least', '14');
      await page.click('main button:text-is("Save")');
      assert.equal(await page.inputValue('#least'), '14');
      await page.goto(`${dev.public_url}/t/long-${name}/signup`);
      assert.match(await page.textContent('#password-hint'), /At least 14 characters/);
      const strength = page.locator('[data-strength-for=password]');
      await page.fill('#password', 'otter juggles'); // 13
      assert.equal(await strength.textContent(), await strength.getAttribute('data-weak'));
      await page.fill('#password', 'otter juggles!');
      assert.notEqual(await strength.textContent(), await strength.getAttribute('data-weak'));
      await page.goto(`${dev.public_url}/console/t/long-${name}/sign-in`);

      await page.click('nav >> text=Branding');
      await page.check('[name=own_colour]');
      await page.fill('#colour', '#7722aa');
      const preview = page.frameLocator('iframe[name=preview]');
      await preview.locator('link[href*="accent-7722aa"]').waitFor({ state: 'attached' });
      await look('branding');
      await page.click('main button:text-is("Save")');
      assert.equal(await page.inputValue('#colour'), '#7722aa');
      await page.setInputFiles('#logo', { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('no picture') });
      await page.click('main button:text("Save the logo")');
      assert.match(await page.textContent('[role=alert]'), /PNG, JPEG or WebP/);
      const picture = await page.locator('header.bar .home').screenshot();
      await page.setInputFiles('#logo', { name: 'logo.png', mimeType: 'image/png', buffer: picture });
      await preview.locator('img.logo[src^="data:image/png"]').waitFor();
      await page.click('main button:text("Save the logo")');
      await page.waitForSelector('section img.logo');
      // Waits for the picture, and throws if there is none.
      const drawn = (image) => image.decode();
      await page.locator('section img.logo').evaluate(drawn);
      await preview.locator('img.logo').evaluate(drawn);
      await page.click('summary:has-text("Remove the logo")');
      await look('branding-logo');

      await page.click('nav >> text=Mail');
      await page.fill('#to', `somebody.with.a.long.address.${'x'.repeat(30)}@example.com`);
      await page.click('main button:text("Send")');
      assert.match(await page.textContent('[role=status]'), /on its way/);
      await look('mail');

      await page.click('nav >> text=Settings');
      await page.fill('#access', '5');
      await page.fill('#idle', '48');
      await page.fill('#absolute', '24');
      await page.click('main button:text-is("Save lifetimes")');
      assert.match(await page.textContent('#absolute-problem'), /at least as long as unused/);
      await look('settings-lifetimes-refused');
      await page.fill('#absolute', '72');
      await page.click('main button:text-is("Save lifetimes")');
      await page.waitForSelector('#absolute:not([aria-invalid])');
      assert.equal(await page.inputValue('#absolute'), '72');
      await page.fill('#host', 'https://login.example.com');
      await page.click('main button:text-is("Claim")');
      assert.match(await page.textContent('[role=alert]'), /a domain is/i);
      await page.fill('#host', LONG_HOST);
      await page.click('main button:text-is("Claim")');
      assert.match(await page.textContent('main'), /doorward-verification=[A-Za-z0-9]{32}/);
      await look('settings-host-claimed');
      await page.click('main button:text-is("Verify")');
      assert.match(await page.textContent('[role=alert]'), /DNS does not answer/);
      await look('settings-host-unreachable');
      await page.click('summary:has-text("Withdraw the claim")');
      await look('settings-host-withdraw');
      await page.click('main button:text-is("Withdraw the claim")');
      await page.waitForSelector('#host');
      await page.click('summary:has-text("without a proof")');
      await page.fill('#domain', LONG_HOST);
      await page.click('main button:text-is("Save")');
      await page.click('summary:has-text("Give the host up")');
      await look('settings-host');
      await page.click('main button:text-is("Give the host up")');
      await page.waitForSelector('main button:text-is("Claim")');
      await page.click('summary:has-text("Delete this tenant")');
      await page.fill('#slug', 'another');
      await page.click('main button:has-text("Delete A tenant")');
      assert.match(await page.textContent('[role=alert]'), /type its slug/);
      await page.click('summary:has-text("Delete this tenant")');
      await look('settings');
      await page.fill('#slug', `long-${name}`);
      await page.click('main button:has-text("Delete A tenant")');
      assert.match(await page.textContent('[role=status]'), /will be deleted on/);
      await look('settings-deleted');
      await page.click('text=Do not delete it');

      await page.click('nav >> text=Applications');
      await page.click('main >> text=My site');
      await page.fill('[name=redirect-2]', 'http://example.com/callback');
      await page.waitForSelector('.problem:has-text("use https")');
      await look('app-uri-refused');

      for (const [link, heading] of [
        ['Overview', /A tenant with/],
        ['Applications', /Applications/],
        ['Keys', /Keys/],
        ['Audit log', /Audit log/],
        ['Members', /Members/],
      ]) {
        await page.click(`nav >> text=${link}`);
        assert.match(await page.textContent('h1'), heading);
        await look(link.toLowerCase().replace(' ', '-'));
      }

      for (const path of ['accounts', 'deployment']) {
        await page.goto(`${dev.public_url}/console/${path}`);
        await look(path);
      }

      await page.click('text=Sign out');
      await page.goto(dev.console.url);
      assert.match(page.url(), /\/login/);
    });
  });
}

test('a trial of an app shows the decoded tokens of its user', async () => {
  await onScreen(chrome, {}, async (page) => {
    await signInToConsole(page, dev);
    await page.goto(`${dev.public_url}/console/t/acme/apps/${dev.app.client_id}`);
    await page.click('text=Try it');
    await page.fill('[name=email]', dev.user.email);
    await page.fill('[name=password]', dev.user.password);
    await page.click('main button[type=submit]:not([data-reveal])');
    assert.match(await page.textContent('h1'), /It works/);
    assert.match(await page.textContent('main'), /"role": "ADMIN"/);
    await assertAccessible(page);
    await keep(page, 'console-trial');
  });
});

test('the sign-in of a user to one app is ended, and nothing else', async () => {
  for (const { name, ...options } of SCREENS) {
    await onScreen(chrome, options, async (page) => {
      await signInToConsole(page, dev);
      const app = `${dev.public_url}/console/t/acme/apps/${dev.app.client_id}`;
      await page.goto(app);
      await page.click('text=Try it');
      await page.fill('[name=email]', dev.user.email);
      await page.fill('[name=password]', dev.user.password);
      await page.click('main button[type=submit]:not([data-reveal])');
      await page.waitForSelector('text=It works');
      await page.goto(`${dev.public_url}/console/t/acme/users`);
      await page.click(`main >> text=${dev.user.email}`);
      const families = page.locator('summary[aria-label^="End the sign-in to"]');
      const before = await families.count();
      await page.locator('summary[aria-label^="End the session"]').first().click();
      await families.first().click();
      await assertAccessible(page);
      await assertNoSidewaysScroll(page);
      await keep(page, `console-user-signed-in-${name}`);
      await page.locator('button:has-text("End this sign-in to")').first().click();
      assert.match(await page.textContent('[role=status]'), /sign-in is ended/);
      assert.equal(await families.count(), before - 1);
    });
  }
});

test('a viewer sees each page without a button that changes it', async () => {
  for (const { name, ...options } of SCREENS) {
    await onScreen(chrome, options, async (page) => {
      await signInToConsole(page, dev);
      const viewer = `viewer-${name}@doorward.example`;
      await page.goto(`${dev.public_url}/console/t/acme/members`);
      await page.fill('main #email', viewer);
      await page.click('main button:text-is("Add")');
      assert.match(await page.textContent('[role=status]'), /member is added/);
      await page.locator(`summary[aria-label="Remove ${viewer}"]`).click();
      await assertAccessible(page);
      await assertNoSidewaysScroll(page);
      await keep(page, `console-members-remove-${name}`);
      const letter = await page.request.get(`${dev.public_url}/mailbox`);
      const links = (await letter.text()).match(/http[^\s"<]+reset-password\?token=[^\s"<]+/g);
      await page.click('text=Sign out');
      await page.goto(links[0].replaceAll('&amp;', '&'));
      await page.fill('[name=password]', dev.console.password);
      await page.click('main button[type=submit]:not([data-reveal])');
      await page.goto(`${dev.public_url}/console`);
      if (await page.isVisible('[name=email]')) {
        await page.fill('[name=email]', viewer);
        await page.fill('[name=password]', dev.console.password);
        await page.click('main button[type=submit]:not([data-reveal])');
      }
      await page.waitForURL(`${dev.public_url}/console`);
      for (const path of ['', `/apps/${dev.app.client_id}`, '/users', '/branding', '/mail', '/settings', '/sign-in']) {
        await page.goto(`${dev.public_url}/console/t/acme${path}`);
        assert.equal(await page.locator('main form[method=post] button:visible').count(), 0, path);
        await assertAccessible(page);
        await assertNoSidewaysScroll(page);
        await keep(page, `console-viewer${path.replaceAll('/', '-').replace(dev.app.client_id, 'app')}-${name}`);
      }
    });
  }
});

test('an edit of what somebody else has changed meanwhile shows both versions', async () => {
  await onScreen(chrome, {}, async (page) => {
    await signInToConsole(page, dev);
    const roles = `${dev.public_url}/console/t/acme/roles`;
    await page.goto(roles);
    const other = await page.context().newPage();
    await other.goto(roles);
    const edit = async (tab, text) => {
      const entry = tab.locator('li', { hasText: 'MEMBER' });
      await entry.locator('summary').first().click().catch(() => {});
      await entry.locator('[name=description]').first().fill(text);
      await entry.locator('button:has-text("Save")').first().click();
    };
    await edit(other, 'Said by the first');
    await edit(page, 'Said by the second');
    assert.match(await page.textContent('main'), /Said by the first[^]*Said by the second/);
    await assertAccessible(page);
    await keep(page, 'console-stale');
    await page.click('text=Save what I sent');
    await page.waitForURL(url => url.pathname.endsWith('/acme/roles'));
    assert.match(await page.content(), /Said by the second/);
  });
});

test('the console works without JavaScript, and a destructive act names what it destroys and asks once', async () => {
  await onScreen(chrome, { javaScriptEnabled: false }, async (page) => {
    await signInToConsole(page, dev);
    await page.goto(`${dev.public_url}/console/t/acme/roles`);
    await page.fill('#key', 'DOOMED');
    await page.click('text=Create role');
    await page.click('summary:has-text("DOOMED")');
    await page.click('button:text("Delete DOOMED")');
    assert.doesNotMatch(await page.textContent('main'), /DOOMED/);
  });
});

test('from an empty database to a decoded token of an app of one’s own takes fewer than 25 interactions', async () => {
  const server = await startEmpty();
  try {
    await onScreen(chrome, {}, async page => {
      let interactions = 0;
      const fill = (field, value) => (interactions += 1, page.fill(`[name=${field}]`, value));
      const click = button => (interactions += 1, page.click(button));
      const [email, password] = ['founder@example.com', 'plum-otter-cabinet-7-violin'];
      const submit = 'main button[type=submit]:not([data-reveal])';

      interactions += 1; // to open the link
      await page.goto(server.setupLink);
      await fill('email', email);
      await fill('password', password);
      await click(submit);
      if (await page.isVisible('text=Sign in')) await click('text=Sign in');
      await page.waitForSelector('[name=email]');
      await fill('email', email);
      await fill('password', password);
      await click(submit);

      await click('text=New tenant');
      await fill('name', 'Gizmo');
      await fill('slug', 'gizmo');
      await click('text=Create tenant');
      await fill('name', 'Site');
      await click('text=Create application');
      assert.match(await page.textContent('pre'), /AUTH_DOORWARD_ISSUER=http:\/\/localhost:\d+\/t\/gizmo/);
      await click('text=Try it');

      await click('text=Create an account');
      await fill('email', 'user@example.com');
      await fill('password', password);
      await click(submit);
      await page.waitForSelector('text=It works');
      assert.match(await page.textContent('main'), /"typ": "at\+jwt"/);
      assert.ok(interactions < 25, `${interactions} interactions`);
      await keep(page, 'console-first-token');
    });
  } finally {
    await server.stop();
  }
});

/** `serve` on a database in which nothing is, with the link that it prints for the first account. */
async function startEmpty() {
  const dataDir = await mkdtemp(join(tmpdir(), 'doorward-'));
  const port = await freePort();
  const env = {
    ...process.env,
    DATABASE_URL: undefined,
    DOORWARD_DATA_DIR: dataDir,
    DOORWARD_PUBLIC_URL: `http://localhost:${port}`,
    DOORWARD_MASTER_KEY: randomBytes(32).toString('base64'),
    DOORWARD_LISTEN: `127.0.0.1:${port}`,
  };
  const run = command => spawn(process.env.DOORWARD_BIN, [command], { env });
  await once(run('migrate'), 'exit');
  const server = run('serve');
  let output = '';
  server.stdout.on('data', text => (output += text));
  while (!/token=\S+/.test(output)) await new Promise(resolve => setTimeout(resolve, 50));
  return {
    setupLink: /http\S+token=\S+/.exec(output)[0],
    stop: async () => {
      server.kill('SIGTERM');
      await once(server, 'exit');
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
