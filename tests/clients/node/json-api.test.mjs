// The JSON API for frontends of one's own (contract §5).

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { decodeJwt } from 'jose';

import { parseSetCookie } from './browser.mjs';
import { DATABASES, startDoorward } from './doorward.mjs';
import { getJson, postJson } from './json-request.mjs';

const USER_FIELDS = ['id', 'email', 'email_verified', 'name', 'image', 'role', 'roles'];
const ENVELOPE = [
  ...USER_FIELDS,
  ...['token', 'access_token', 'token_type', 'expires_in', 'expires_at'],
  ...['refresh_token', 'refresh_expires_in', 'session_id'],
];

const ORIGIN = 'http://localhost:5173';
const FOREIGN_ORIGIN = 'http://localhost:5174';
const NEW_PASSWORD = 'plum-otter-cabinet-7-violin';

for (const database of DATABASES) {
  describe(`the JSON API with ${database}`, () => {
    let doorward, api, credentials, spa, hostedOnly;

    before(async () => {
      doorward = await startDoorward(database);
      api = `${doorward.tenant.issuer}/v1/auth`;
      credentials = { email: doorward.user.email, password: doorward.user.password };
      const redirect = ['--redirect-uri', `${ORIGIN}/callback`];
      spa = await doorward.createApp('acme', 'spa', ...redirect, '--allowed-origin', ORIGIN, '--direct-login');
      hostedOnly = await doorward.createApp('acme', 'spa', ...redirect);
      await doorward.honoursChanges();
    });

    after(() => doorward?.stop());

    const call = (name, body, headers) => postJson(`${api}/${name}`, body, headers);

    async function login() {
      const answer = await call('login', credentials);
      assertEnvelope(answer, 200);
      return answer.body;
    }

    describe('login', () => {
      it('answers with the user and the tokens', async () => {
        const body = await login();
        assert.equal(body.email, credentials.email);
        assert.equal(body.image, null);
        assert.equal(body.role, 'ADMIN');
        assert.deepEqual(body.roles, ['ADMIN']);
        assert.equal(body.expires_in, 900);
        assert.equal(body.refresh_expires_in, 604_800);
      });

      it('says the same in the access token', async () => {
        const body = await login();
        const { sub, sid, exp, role, client_id } = decodeJwt(body.token);
        assert.deepEqual(
          { sub, sid, exp, role, client_id },
          {
            sub: body.id,
            sid: body.session_id,
            exp: body.expires_at,
            role: body.role,
            client_id: doorward.app.client_id,
          },
        );
      });

      it('is for the app that authenticates with Basic', async () => {
        const { client_id, client_secret } = doorward.app;
        const basic = secret => ({ authorization: `Basic ${btoa(`${client_id}:${secret}`)}` });
        assertEnvelope(await call('login', credentials, basic(client_secret)), 200);
        assertError(await call('login', credentials, basic('wrong')), 401, 'invalid_client');
      });

      it('has one answer for a wrong password and for an unknown user', async () => {
        const wrong = await call('login', { ...credentials, password: 'not the password' });
        const unknown = await call('login', { ...credentials, email: 'nobody@example.com' });
        assertError(wrong, 401, 'invalid_credentials');
        assert.deepEqual(unknown.body, wrong.body);
        assert.equal(unknown.status, wrong.status);
      });

      it('names the fields that are missing or malformed', async () => {
        const nothing = await call('login', {});
        assertError(nothing, 400, 'invalid_request');
        assert.deepEqual(Object.keys(nothing.body.fields).sort(), ['email', 'password']);

        const malformed = await call('login', { ...credentials, email: 'not an address' });
        assertError(malformed, 400, 'invalid_request');
        assert.equal(typeof malformed.body.fields.email, 'string');
      });

      it('refuses an app that has to use the hosted login', async () => {
        const answer = await call('login', { ...credentials, client_id: hostedOnly.client_id });
        assertError(answer, 403, 'direct_login_disabled');
      });
    });

    describe('register', () => {
      it('signs the new user in, or asks to verify the address first', async () => {
        const newcomer = { email: 'newcomer@example.com', password: NEW_PASSWORD, name: 'A Newcomer' };
        const answer = await call('register', newcomer);
        if (answer.status === 202) return assert.deepEqual(answer.body, { status: 'verification_required' });
        assertEnvelope(answer, 201);
        const { email, name } = answer.body;
        assert.deepEqual({ email, name }, { email: newcomer.email, name: newcomer.name });
      });

      it('does not sign anybody in to an account that exists', async () => {
        const { status, body } = await call('register', { ...credentials, password: NEW_PASSWORD });
        if (status === 202) return assert.deepEqual(body, { status: 'verification_required' });
        assert.ok(status >= 400);
        assert.equal(typeof body.error, 'string');
      });

      it('names the field that is not good enough', async () => {
        const answer = await call('register', { email: 'newcomer2@example.com', password: 'short' });
        assertError(answer, 400, 'invalid_request');
        assert.deepEqual(Object.keys(answer.body.fields), ['password']);
      });
    });

    describe('refresh', () => {
      it('takes the token as refresh_token or as refreshToken, and both get the same successor', async () => {
        const { refresh_token, token } = await login();
        const first = await call('refresh', { refresh_token });
        const second = await call('refresh', { refreshToken: refresh_token });
        assertEnvelope(first, 200);
        assertEnvelope(second, 200);
        assert.notEqual(first.body.refresh_token, refresh_token);
        assert.equal(second.body.refresh_token, first.body.refresh_token);
        assert.notEqual(first.body.token, token);
      });

      it('answers invalid_grant for a token that never was', async () => {
        assertError(await call('refresh', { refresh_token: 'never' }), 401, 'invalid_grant');
      });
    });

    describe('logout', () => {
      it('revokes the family', async () => {
        const { refresh_token } = await login();
        await assertLoggedOut(call('logout', { refresh_token }));
        assertError(await call('refresh', { refresh_token }), 401, 'invalid_grant');
      });

      it('answers 204 whatever it is given', async () => {
        await assertLoggedOut(call('logout', {}));
        await assertLoggedOut(call('logout', { refresh_token: 'never' }));
        await assertLoggedOut(fetch(`${api}/logout`, { method: 'POST' }));
      });
    });

    describe('me', () => {
      it('answers with the user of the token', async () => {
        const body = await login();
        const { status, body: me } = await getJson(`${api}/me`, { authorization: `Bearer ${body.token}` });
        assert.equal(status, 200);
        for (const field of USER_FIELDS) assert.deepEqual(me[field], body[field], field);
        assert.equal(me.token, undefined);
      });

      it('refuses whoever has no token', async () => {
        assert.equal((await getJson(`${api}/me`)).status, 401);
        assert.equal((await getJson(`${api}/me`, { authorization: 'Bearer never' })).status, 401);
      });
    });

    describe('a refresh token delivered as a cookie', () => {
      async function loginForCookie() {
        const body = { ...credentials, client_id: spa.client_id, delivery: 'cookie' };
        return withCookie(await call('login', body, { origin: ORIGIN }));
      }

      const refreshWith = (cookie, origin) =>
        call('refresh', { client_id: spa.client_id }, { origin, cookie: `${cookie.name}=${cookie.value}` });

      it('is not in the body, and is out of the reach of scripts', async () => {
        const { answer, cookie } = await loginForCookie();
        assert.equal(answer.status, 200);
        assert.deepEqual(Object.keys(answer.body).sort(), ENVELOPE.filter(name => name !== 'refresh_token').sort());
        assert.ok('httponly' in cookie.attributes);
        assert.ok('secure' in cookie.attributes);
        assert.equal(cookie.attributes.samesite.toLowerCase(), 'lax');
        assert.equal(cookie.path, new URL(api).pathname);
      });

      it('refreshes, and is replaced', async () => {
        const { cookie } = await loginForCookie();
        const refreshed = withCookie(await refreshWith(cookie, ORIGIN));
        assert.equal(refreshed.answer.status, 200);
        assert.equal(refreshed.answer.body.refresh_token, undefined);
        assert.notEqual(refreshed.cookie.value, cookie.value);
      });

      it('is of no use to a foreign origin', async () => {
        const { cookie } = await loginForCookie();
        const refused = await refreshWith(cookie, FOREIGN_ORIGIN);
        assert.ok(refused.status >= 400);
        assert.equal(refused.body.token, undefined);
        assert.equal((await refreshWith(cookie, ORIGIN)).status, 200);
      });

      it('is not handed out to a foreign origin', async () => {
        const body = { ...credentials, client_id: spa.client_id, delivery: 'cookie' };
        const answer = await call('login', body, { origin: FOREIGN_ORIGIN });
        assert.ok(answer.status >= 400);
        assert.deepEqual(answer.headers.getSetCookie(), []);
      });

      it('is dead after the logout', async () => {
        const { cookie } = await loginForCookie();
        const headers = { origin: ORIGIN, cookie: `${cookie.name}=${cookie.value}` };
        await assertLoggedOut(call('logout', { client_id: spa.client_id }, headers));
        assertError(await refreshWith(cookie, ORIGIN), 401, 'invalid_grant');
      });
    });
  });
}

function assertEnvelope({ status, headers, body }, expectedStatus) {
  assert.equal(status, expectedStatus, JSON.stringify(body));
  assertJsonNotStored(headers);
  assert.deepEqual(Object.keys(body).sort(), [...ENVELOPE].sort());
  assert.equal(body.token, body.access_token);
  assert.equal(body.token_type, 'Bearer');
}

function assertError({ status, headers, body }, expectedStatus, error) {
  assert.equal(status, expectedStatus, JSON.stringify(body));
  assertJsonNotStored(headers);
  assert.equal(body.error, error);
  assert.equal(typeof body.error_description, 'string');
}

function assertJsonNotStored(headers) {
  assert.match(headers.get('content-type'), /^application\/json\b/);
  assert.match(headers.get('cache-control'), /\bno-store\b/);
}

async function assertLoggedOut(answer) {
  assert.equal((await answer).status, 204);
}

function withCookie(answer) {
  const [cookie] = answer.headers.getSetCookie().map(parseSetCookie);
  return { answer, cookie };
}
