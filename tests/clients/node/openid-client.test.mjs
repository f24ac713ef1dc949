// Doorward as openid-client sees it: OAuth 2.0 and OpenID Connect (contract §3 and §4).

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';

import { decodeJwt, decodeProtectedHeader } from 'jose';
import * as client from 'openid-client';

import { Browser } from './browser.mjs';
import { DATABASES, startDoorward } from './doorward.mjs';
import { authorizationRequest, discover, signIn } from './relying-party.mjs';

const REGISTERED_LOOPBACK = 'http://127.0.0.1:8765/callback';
const CHOSEN_LOOPBACK = 'http://127.0.0.1:49152/callback';
const AUDIENCE = 'https://reports.example.com';

for (const database of DATABASES) {
  describe(`openid-client with ${database}`, () => {
    let doorward, issuer, user, web, spa, redirectUri, spaRedirectUri, native, service;

    before(async () => {
      doorward = await startDoorward(database);
      user = doorward.user;
      issuer = doorward.tenant.issuer;
      native = await doorward.createApp('acme', 'native', '--redirect-uri', REGISTERED_LOOPBACK);
      service = await doorward.createApp('acme', 'service', '--audience', AUDIENCE);
      await doorward.honoursChanges();

      const { app } = doorward;
      web = await discover(issuer, app.client_id, client.ClientSecretBasic(app.client_secret));
      spa = await discover(issuer, doorward.spa.client_id);
      redirectUri = app.redirect_uris.find(uri => uri.startsWith('http://127.0.0.1'));
      spaRedirectUri = doorward.spa.redirect_uris.find(uri => uri.startsWith('http://127.0.0.1'));
    });

    after(() => doorward?.stop());

    const newBrowser = () => new Browser(doorward.public_url);
    const signInAtWeb = parameters => signIn(newBrowser(), web, redirectUri, user, parameters);
    const isInvalidGrant = { error: 'invalid_grant', status: 400 };

    /** A browser that is signed in, and the tokens that the web app got from it. */
    async function signedIn() {
      const browser = newBrowser();
      return { browser, tokens: await signIn(browser, web, redirectUri, user) };
    }

    it('finds the issuer, byte for byte, in the discovery document', () => {
      const metadata = web.serverMetadata();
      assert.equal(metadata.issuer, issuer);
      assert.equal(metadata.authorization_response_iss_parameter_supported, true);
      assert.ok(metadata.supportsPKCE());
      assert.deepEqual(metadata.response_types_supported, ['code']);
    });

    it('reads the same metadata where RFC 8414 puts it', async () => {
      const config = await client.discovery(new URL(issuer), 'any', undefined, client.None(), {
        algorithm: 'oauth2',
        execute: [client.allowInsecureRequests],
      });
      assert.equal(config.serverMetadata().token_endpoint, web.serverMetadata().token_endpoint);
    });

    for (const [method, authenticate] of [
      ['client_secret_basic', client.ClientSecretBasic],
      ['client_secret_post', client.ClientSecretPost],
    ]) {
      it(`redeems a code with PKCE and ${method}`, async () => {
        const config = await discover(issuer, doorward.app.client_id, authenticate(doorward.app.client_secret));
        const tokens = await signIn(newBrowser(), config, redirectUri, user);
        assert.equal(tokens.token_type, 'bearer');
        assert.equal(tokens.expires_in, 900);
        assert.ok(tokens.refresh_token);
      });
    }

    it('is told at the token endpoint when the client secret is wrong', async () => {
      const config = await discover(issuer, doorward.app.client_id, client.ClientSecretPost('wrong'));
      await assert.rejects(signIn(newBrowser(), config, redirectUri, user), { error: 'invalid_client', status: 401 });
    });

    it('gets the issuer in the authorization response (RFC 9207)', async () => {
      const { url } = await authorizationRequest(web, redirectUri);
      const { left } = await newBrowser().signIn(url, user);
      assert.equal(new URL(left.url).searchParams.get('iss'), issuer);
    });

    it('gets an ID token that says who signed in, how and when', async () => {
      const tokens = await signInAtWeb();
      const claims = tokens.claims();
      assert.equal(decodeProtectedHeader(tokens.id_token).alg, 'RS256');
      assert.deepEqual([claims.aud].flat(), [doorward.app.client_id]);
      assert.equal(claims.email, user.email);
      assert.equal(typeof claims.email_verified, 'boolean');
      assert.equal(typeof claims.name, 'string');
      assert.equal(claims.role, 'ADMIN');
      assert.deepEqual(claims.roles, ['ADMIN']);
      assert.equal(typeof claims.sid, 'string');
      assert.equal(typeof claims.auth_time, 'number');
      assert.deepEqual(claims.amr, ['pwd']);
      assert.equal(claims.at_hash, leftHalfOfSha256(tokens.access_token));
    });

    it('gets an access token of RFC 9068', async () => {
      const tokens = await signInAtWeb();
      const { alg, typ } = decodeProtectedHeader(tokens.access_token);
      assert.deepEqual({ alg, typ }, { alg: 'ES256', typ: 'at+jwt' });
      const claims = decodeJwt(tokens.access_token);
      assert.equal(claims.iss, issuer);
      assert.equal(claims.sub, tokens.claims().sub);
      assert.equal(claims.client_id, doorward.app.client_id);
      assert.equal(claims.exp - claims.iat, 900);
      assert.equal(claims.sid, tokens.claims().sid);
      assert.equal(claims.role, 'ADMIN');
      for (const name of ['jti', 'scope', 'tenant_id']) assert.equal(typeof claims[name], 'string', name);
    });

    it('reads the user from the userinfo endpoint', async () => {
      const tokens = await signInAtWeb();
      const { sub, name } = tokens.claims();
      const info = await client.fetchUserInfo(web, tokens.access_token, sub);
      assert.deepEqual({ sub: info.sub, email: info.email, name: info.name }, { sub, email: user.email, name });
    });

    it('refreshes, and the new ID token is of the same sign-in', async () => {
      const tokens = await signInAtWeb();
      const refreshed = await client.refreshTokenGrant(web, tokens.refresh_token);
      assert.notEqual(refreshed.refresh_token, tokens.refresh_token);
      assert.notEqual(refreshed.access_token, tokens.access_token);
      const sameSignIn = ({ sub, aud, auth_time }) => ({ sub, aud, auth_time });
      assert.deepEqual(sameSignIn(refreshed.claims()), sameSignIn(tokens.claims()));
    });

    it('refreshes many times at once, and all get the same successor', async () => {
      const { refresh_token } = await signInAtWeb();
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => client.refreshTokenGrant(web, refresh_token)),
      );
      const successors = new Set(answers.map(answer => answer.refresh_token));
      assert.equal(successors.size, 1);
      assert.ok(!successors.has(refresh_token));
    });

    it('loses the family when it uses a token older than the one before the newest', async () => {
      const first = await signInAtWeb();
      const second = await client.refreshTokenGrant(web, first.refresh_token);
      const third = await client.refreshTokenGrant(web, second.refresh_token);
      await assert.rejects(client.refreshTokenGrant(web, first.refresh_token), isInvalidGrant);
      await assert.rejects(client.refreshTokenGrant(web, third.refresh_token), isInvalidGrant);
    });

    it('loses what a code had issued when the code is replayed', async () => {
      const { url, redeem } = await authorizationRequest(web, redirectUri);
      const { left } = await newBrowser().signIn(url, user);
      const { refresh_token } = await redeem(left);
      await assert.rejects(redeem(left), isInvalidGrant);
      await assert.rejects(client.refreshTokenGrant(web, refresh_token), isInvalidGrant);
    });

    it('introspects both tokens, and after revocation learns nothing of the refresh token', async () => {
      const tokens = await signInAtWeb();
      const { active, sub, client_id } = await client.tokenIntrospection(web, tokens.access_token);
      assert.deepEqual(
        { active, sub, client_id },
        { active: true, sub: tokens.claims().sub, client_id: doorward.app.client_id },
      );
      assert.equal((await client.tokenIntrospection(web, tokens.refresh_token)).active, true);
      await client.tokenRevocation(web, tokens.refresh_token);
      assert.deepEqual(await client.tokenIntrospection(web, tokens.refresh_token), { active: false });
      await assert.rejects(client.refreshTokenGrant(web, tokens.refresh_token), isInvalidGrant);
    });

    it('revokes or introspects a token that never was without an error', async () => {
      await client.tokenRevocation(web, 'never');
      assert.deepEqual(await client.tokenIntrospection(web, 'never'), { active: false });
    });

    it('signs out, comes back with its state, and the refresh token is dead', async () => {
      const { browser, tokens } = await signedIn();
      const url = client.buildEndSessionUrl(web, {
        id_token_hint: tokens.id_token,
        post_logout_redirect_uri: 'http://127.0.0.1:3000/',
        state: 'after-logout',
      });
      const page = await browser.signOut(url);
      assert.equal(page.left?.url, 'http://127.0.0.1:3000/?state=after-logout');
      await assert.rejects(client.refreshTokenGrant(web, tokens.refresh_token), isInvalidGrant);
      await assertLoginRequired(browser);
    });

    it('signs in as a public client, with PKCE alone', async () => {
      const tokens = await signIn(newBrowser(), spa, spaRedirectUri, user);
      assert.deepEqual([tokens.claims().aud].flat(), [doorward.spa.client_id]);
      const refreshed = await client.refreshTokenGrant(spa, tokens.refresh_token);
      assert.notEqual(refreshed.refresh_token, tokens.refresh_token);
    });

    it('is refused as a public client without PKCE', async () => {
      const { url, redeem } = await authorizationRequest(spa, spaRedirectUri);
      url.searchParams.delete('code_challenge');
      url.searchParams.delete('code_challenge_method');
      const { left } = await newBrowser().open(url);
      await assert.rejects(redeem(left), { error: 'invalid_request' });
    });

    it('gets the code in a form it is posted (response_mode=form_post)', async () => {
      const browser = newBrowser();
      const { url, redeem } = await authorizationRequest(web, redirectUri, { response_mode: 'form_post' });
      const { left } = await browser.submit(await browser.signIn(url, user));
      assert.equal(left.method, 'POST');
      assert.equal(left.url, redirectUri);
      const tokens = await redeem(left);
      assert.equal(tokens.claims().email, user.email);
    });

    it('learns from prompt=none that nobody is signed in', async () => {
      await assertLoginRequired(newBrowser());
    });

    it('signs in to a second app without a page (prompt=none)', async () => {
      const { browser, tokens } = await signedIn();
      const { url, redeem } = await authorizationRequest(spa, spaRedirectUri, { prompt: 'none' });
      const { left } = await browser.open(url);
      const silent = await redeem(left);
      assert.equal(silent.claims().sub, tokens.claims().sub);
      assert.equal(silent.claims().auth_time, tokens.claims().auth_time);
    });

    it('has the user sign in again where max_age says so, and not otherwise', async () => {
      const { browser, tokens } = await signedIn();
      const recent = await authorizationRequest(web, redirectUri, { max_age: '3600' });
      const silent = await recent.redeem((await browser.open(recent.url)).left);
      assert.equal(silent.claims().auth_time, tokens.claims().auth_time);

      const fresh = await signIn(browser, web, redirectUri, user, { max_age: '0' });
      assert.ok(fresh.claims().auth_time >= tokens.claims().auth_time);
    });

    it('gets a token of its own as a service (client_credentials)', async () => {
      const config = await discover(issuer, service.client_id, client.ClientSecretBasic(service.client_secret));
      const tokens = await client.clientCredentialsGrant(config);
      assert.equal(tokens.refresh_token, undefined);
      assert.equal(tokens.id_token, undefined);
      const { iss, sub, aud, client_id } = decodeJwt(tokens.access_token);
      assert.deepEqual(
        { iss, sub, aud: [aud].flat(), client_id },
        { iss: issuer, sub: service.client_id, aud: [AUDIENCE], client_id: service.client_id },
      );
    });

    it('signs in as a native app on a loopback port of its choice (RFC 8252)', async () => {
      const config = await discover(issuer, native.client_id);
      const tokens = await signIn(newBrowser(), config, CHOSEN_LOOPBACK, user);
      assert.equal(tokens.claims().email, user.email);
    });

    it('is never redirected to where it did not register', async () => {
      for (const uri of [CHOSEN_LOOPBACK, `${redirectUri}/`, `${redirectUri}?a=b`]) {
        const { url } = await authorizationRequest(web, uri);
        const page = await newBrowser().open(url);
        assert.equal(page.left, undefined);
        assert.ok(page.status >= 400);
      }
    });

    async function assertLoginRequired(browser) {
      const { url, redeem } = await authorizationRequest(web, redirectUri, { prompt: 'none' });
      const { left } = await browser.open(url);
      await assert.rejects(redeem(left), { error: 'login_required' });
    }
  });
}

/** OpenID Connect Core §3.1.3.6, for an ID token signed with a SHA-256 algorithm. */
function leftHalfOfSha256(accessToken) {
  return createHash('sha256').update(accessToken).digest().subarray(0, 16).toString('base64url');
}
