// Auth.js v5 with a provider of which nothing is configured but issuer and credentials.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Auth } from '@auth/core';

import { Browser } from './browser.mjs';
import { DATABASES, startDoorward } from './doorward.mjs';
import { APP, appWith, pressSignIn, session } from './sign-in-button.mjs';

for (const database of DATABASES) {
  describe(`Auth.js v5 with ${database}`, () => {
    let doorward, browser;

    before(async () => {
      doorward = await startDoorward(database);
      const config = {
        providers: [
          {
            id: 'doorward',
            type: 'oidc',
            issuer: doorward.tenant.issuer,
            clientId: doorward.app.client_id,
            clientSecret: doorward.app.client_secret,
          },
        ],
        secret: 'a secret of the tests',
        trustHost: true,
        basePath: '/api/auth',
      };
      browser = new Browser(doorward.public_url, appWith(request => Auth(request, config)));
    });

    after(() => doorward?.stop());

    it('knows nobody before the sign-in', async () => {
      assert.equal(await session(browser), null);
    });

    it('signs in through the hosted login and shows e-mail and name in the session', async () => {
      const login = await pressSignIn(browser, '/api/auth/signin/doorward');
      const page = await browser.submit(login, {
        email: doorward.user.email,
        password: doorward.user.password,
      });
      assert.equal(page.url.href, `${APP}/`);
      const { user } = await session(browser);
      assert.equal(user.email, doorward.user.email);
      assert.ok(user.name);
    });

    it('signs in again without a page while the hosted session lasts', async () => {
      const page = await pressSignIn(browser, '/api/auth/signin/doorward');
      assert.equal(page.url.href, `${APP}/`);
    });
  });
}
