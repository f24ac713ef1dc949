// The single-page app: oidc-client-ts as a public client, and the CORS headers a browser asks for.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { InMemoryWebStorage, OidcClient, WebStorageStateStore } from 'oidc-client-ts';

import { Browser } from './browser.mjs';
import { DATABASES, startDoorward } from './doorward.mjs';
import { ALL_SCOPES } from './relying-party.mjs';

const ORIGIN = 'http://localhost:5173';
const FOREIGN_ORIGIN = 'http://localhost:5174';

for (const database of DATABASES) {
  describe(`oidc-client-ts with ${database}`, () => {
    let doorward, oidc;

    before(async () => {
      doorward = await startDoorward(database);
      oidc = new OidcClient({
        authority: doorward.tenant.issuer,
        client_id: doorward.spa.client_id,
        redirect_uri: `${ORIGIN}/callback`,
        scope: ALL_SCOPES,
        loadUserInfo: true,
        stateStore: new WebStorageStateStore({ store: new InMemoryWebStorage() }),
        extraHeaders: { origin: ORIGIN },
      });
    });

    after(() => doorward?.stop());

    async function signIn() {
      const browser = new Browser(doorward.public_url);
      const { url } = await oidc.createSigninRequest({ state: { page: '/orders' } });
      const { left } = await browser.signIn(url, doorward.user);
      return { browser, response: await oidc.processSigninResponse(left.url) };
    }

    const refresh = response => oidc.useRefreshToken({ state: response });

    it('signs in, reads the user, and remembers where it was', async () => {
      const { response } = await signIn();
      assert.equal(response.profile.email, doorward.user.email);
      assert.ok(response.profile.name);
      assert.equal(response.profile.role, 'ADMIN');
      assert.deepEqual(response.userState, { page: '/orders' });
    });

    it('refreshes as the same user', async () => {
      const { response } = await signIn();
      const refreshed = await refresh(response);
      assert.equal(refreshed.profile.sub, response.profile.sub);
      assert.notEqual(refreshed.access_token, response.access_token);
      assert.notEqual(refreshed.refresh_token, response.refresh_token);
    });

    it('revokes its refresh token', async () => {
      const { response } = await signIn();
      await oidc.revokeToken(response.refresh_token, 'refresh_token');
      await assert.rejects(refresh(response), { error: 'invalid_grant' });
    });

    it('signs out, and the refresh token is dead', async () => {
      const { browser, response } = await signIn();
      const { url } = await oidc.createSignoutRequest({ id_token_hint: response.id_token });
      const page = await browser.signOut(url);
      assert.equal(page.status, 200);
      await assert.rejects(refresh(response), { error: 'invalid_grant' });
    });

    describe('across origins', () => {
      const PUBLIC = ['/.well-known/openid-configuration', '/.well-known/jwks.json'];
      const PRIVATE = ['/oauth2/token', '/oauth2/userinfo', '/oauth2/revoke'];

      /** An answer that is an error, save for the revocation. */
      const send = (path, origin) =>
        fetch(doorward.tenant.issuer + path, {
          method: 'POST',
          headers: { origin, authorization: path.endsWith('userinfo') ? 'Bearer wrong' : '' },
          body: new URLSearchParams({ client_id: doorward.spa.client_id, token: 'wrong' }),
        });

      const preflight = (path, origin) =>
        fetch(doorward.tenant.issuer + path, {
          method: 'OPTIONS',
          headers: {
            origin,
            'access-control-request-method': 'POST',
            'access-control-request-headers': 'authorization',
          },
        });

      const listed = (response, name) => (response.headers.get(name) ?? '').toLowerCase().split(/,\s*/);

      for (const path of PUBLIC) {
        it(`any origin may read ${path}`, async () => {
          const response = await fetch(doorward.tenant.issuer + path, { headers: { origin: FOREIGN_ORIGIN } });
          assert.equal(response.status, 200);
          assert.ok(['*', FOREIGN_ORIGIN].includes(response.headers.get('access-control-allow-origin')));
          assert.equal(response.headers.get('access-control-allow-credentials'), null);
        });
      }

      for (const path of PRIVATE) {
        it(`an allowed origin may read the answers of ${path}, errors included`, async () => {
          const response = await send(path, ORIGIN);
          assert.equal(response.headers.get('access-control-allow-origin'), ORIGIN);
          assert.equal(response.headers.get('access-control-allow-credentials'), null);
          assert.ok(listed(response, 'vary').includes('origin'));
        });

        it(`an allowed origin may ask beforehand for ${path}`, async () => {
          const response = await preflight(path, ORIGIN);
          assert.ok(response.ok);
          assert.equal(response.headers.get('access-control-allow-origin'), ORIGIN);
          assert.equal(response.headers.get('access-control-allow-credentials'), null);
          assert.ok(listed(response, 'access-control-allow-methods').includes('post'));
          assert.ok(listed(response, 'access-control-allow-headers').includes('authorization'));
        });

        it(`a foreign origin may not read the answers of ${path}`, async () => {
          for (const response of [await send(path, FOREIGN_ORIGIN), await preflight(path, FOREIGN_ORIGIN)]) {
            assert.equal(response.headers.get('access-control-allow-origin'), null);
            assert.equal(response.headers.get('access-control-allow-credentials'), null);
          }
        });
      }
    });
  });
}
