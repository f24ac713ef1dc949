// A tenant's owner gives it a host of its own, in headless Chromium, with the record that the page tells them to set.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startDoorward } from '../clients/node/doorward.mjs';
import { startNameServer } from './name-server.mjs';
import { assertAccessible, assertNoSidewaysScroll, keep, onScreen, SCREENS, startChrome } from './screens.mjs';
import { signInToConsole } from './sign-in-to-console.mjs';

let chrome, dev, names;
const records = new Map();

before(async () => {
  names = await startNameServer(records);
  dev = await startDoorward('sqlite', { DOORWARD_DNS_SERVERS: names.address });
  chrome = await startChrome();
});

after(async () => {
  await chrome?.close();
  await dev?.stop();
  names?.stop();
});

for (const { name, ...options } of SCREENS) {
  test(`a host is the tenant's once its record stands in DNS, on ${name}`, async () => {
    await onScreen(chrome, options, async page => {
      const [tenant, host] = [`hosted-${name}`, `login.${name}.example.com`];
      await dev.createTenant(tenant);
      const look = async what => {
        await assertAccessible(page);
        await assertNoSidewaysScroll(page);
        await keep(page, `host-${what}-${name}`);
      };
      await signInToConsole(page, dev);

      await page.goto(`${dev.console.url}/t/${tenant}/settings`);
      await page.fill('#host', host);
      await page.click('main button:text-is("Claim")');
      await page.click('main button:text-is("Verify")');
      await page.locator('[role=alert]').waitFor();
      await look('not-found');

      // As somebody copies it into the forms of their DNS.
      const copied = await page.locator('code.whole').allTextContents();
      records.set(copied.find(text => text.startsWith('_')), copied.find(text => text.includes('=')));
      await page.click('main button:text-is("Verify")');
      await page.locator('summary:has-text("Give the host up")').waitFor();
      await look('verified');

      await page.click('nav >> text=Overview');
      assert.match(await page.textContent('main'), new RegExp(`Issuer\\s+https://${host.replaceAll('.', '\\.')}`));
      // Where it was, it is no more.
      assert.equal((await fetch(`${dev.public_url}/t/${tenant}/.well-known/openid-configuration`)).status, 404);
    });
  });
}
