// NextAuth v4, both ways in which its users write a sign-in: an OpenID Connect provider found by
// `wellKnown`, and a CredentialsProvider that posts e-mail and password to the JSON API.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { createRemoteJWKSet, jwtVerify } from 'jose';
import nextAuth from 'next-auth';
import credentialsProvider from 'next-auth/providers/credentials';

import { Browser } from './browser.mjs';
import { DATABASES, startDoorward } from './doorward.mjs';
import { APP, appWith, pressSignIn, session } from './sign-in-button.mjs';

const NextAuth = nextAuth.default;
const CredentialsProvider = credentialsProvider.default;

process.env.NEXTAUTH_URL = APP;

for (const database of DATABASES) {
  describe(`NextAuth v4 with ${database}`, () => {
    let doorward, issuer, user;

    before(async () => {
      doorward = await startDoorward(database);
      issuer = doorward.tenant.issuer;
      user = { email: doorward.user.email, password: doorward.user.password };
    });

    after(() => doorward?.stop());

    const browserOfApp = options =>
      new Browser(doorward.public_url, appWith(request => answerOf(NextAuth, request, options)));

    describe('with a wellKnown provider', () => {
      const options = () => ({
        secret: 'a secret of the tests',
        providers: [
          {
            id: 'doorward',
            name: 'Doorward',
            type: 'oauth',
            wellKnown: `${issuer}/.well-known/openid-configuration`,
            authorization: { params: { scope: 'openid email profile roles' } },
            idToken: true,
            checks: ['pkce', 'state'],
            clientId: doorward.app.client_id,
            clientSecret: doorward.app.client_secret,
            profile: ({ sub, name, email, role }) => ({ id: sub, name, email, role }),
          },
        ],
        callbacks: {
          jwt: ({ token, user }) => ({ ...token, ...(user && { role: user.role }) }),
          session: ({ session, token }) => ({ ...session, role: token.role }),
        },
      });

      it('signs in through the hosted login', async () => {
        const browser = browserOfApp(options());
        const login = await pressSignIn(browser, '/api/auth/signin/doorward');
        const page = await browser.submit(login, user);
        assert.equal(page.url.href, `${APP}/`);
        const { user: shown, role } = await session(browser);
        assert.equal(shown.email, user.email);
        assert.ok(shown.name);
        assert.equal(role, 'ADMIN');
      });
    });

    describe('with a CredentialsProvider', () => {
      /** As it is commonly written; `expiresAt` lets a test say that the token has expired. */
      const options = expiresAt => ({
        secret: 'a secret of the tests',
        session: { strategy: 'jwt' },
        providers: [
          CredentialsProvider({
            credentials: { email: {}, password: {} },
            async authorize({ email, password }) {
              const response = await post('/v1/auth/login', { email, password });
              return response.ok ? response.json() : null;
            },
          }),
        ],
        callbacks: {
          async jwt({ token, user }) {
            if (user) {
              return {
                ...token,
                token: user.token,
                role: user.role,
                refresh_token: user.refresh_token,
                expires_at: expiresAt ?? user.expires_at,
              };
            }
            if (Date.now() < token.expires_at * 1000) return token;
            const response = await post('/v1/auth/refresh', { refreshToken: token.refresh_token });
            if (!response.ok) return { ...token, error: 'RefreshTokenError' };
            const { token: fresh, role, refresh_token, expires_at } = await response.json();
            return { ...token, token: fresh, role, refresh_token, expires_at };
          },
          session: ({ session, token }) => ({
            ...session,
            token: token.token,
            role: token.role,
            error: token.error,
          }),
        },
      });

      const post = (path, body) =>
        fetch(`${issuer}${path}`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify(body),
        });

      const pressSignInWith = (browser, credentials) =>
        pressSignIn(browser, '/api/auth/callback/credentials', credentials);

      async function assertAdminWith(token) {
        const jwks = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`));
        const { payload } = await jwtVerify(token, jwks, { issuer, audience: issuer, typ: 'at+jwt' });
        assert.equal(payload.role, 'ADMIN');
      }

      it('puts a verifiable token and the role into the session', async () => {
        const browser = browserOfApp(options());
        const page = await pressSignInWith(browser, user);
        assert.equal(page.url.href, `${APP}/`);
        const shown = await session(browser);
        assert.equal(shown.user.email, user.email);
        assert.equal(shown.role, 'ADMIN');
        await assertAdminWith(shown.token);
        assert.equal((await session(browser)).token, shown.token);
      });

      it('refreshes an expired token, and goes on', async () => {
        const seen = [];
        const expired = options(0);
        expired.events = { signIn: ({ user: { token } }) => seen.push(token) };
        const browser = browserOfApp(expired);
        await pressSignInWith(browser, user);
        const refreshed = await session(browser);
        assert.equal(refreshed.error, undefined);
        assert.equal(refreshed.role, 'ADMIN');
        await assertAdminWith(seen[0]);
        await assertAdminWith(refreshed.token);
        assert.notEqual(refreshed.token, seen[0]);
        assert.equal((await session(browser)).token, refreshed.token);
      });

      it('shows its own CredentialsSignin error for a wrong password', async () => {
        const browser = browserOfApp(options());
        const page = await pressSignInWith(browser, { ...user, password: 'not the password' });
        assert.equal(page.url.searchParams.get('error'), 'CredentialsSignin');
        assert.deepEqual(await session(browser), {});
      });
    });
  });
}

/** Runs NextAuth's handler for a route of Next.js's pages (`[...nextauth]`) on a Request. */
async function answerOf(handler, request, options) {
  const url = new URL(request.url);
  const cookies = request.headers.get('cookie')?.split('; ') ?? [];
  const req = {
    method: request.method,
    headers: Object.fromEntries(request.headers),
    cookies: Object.fromEntries(cookies.map(cookie => splitOnce(cookie, '='))),
    query: { ...Object.fromEntries(url.searchParams), nextauth: url.pathname.split('/').slice(3) },
    body: Object.fromEntries(new URLSearchParams(await request.text())),
  };
  return new Promise((resolve, reject) => {
    const headers = {};
    let code = 200;
    const answer = body =>
      resolve(
        new Response(typeof body === 'object' ? JSON.stringify(body) : body, {
          status: code,
          headers: Object.entries(headers).flatMap(([name, values]) => [values].flat().map(value => [name, value])),
        }),
      );
    const res = {
      status: value => ((code = value), res),
      getHeader: name => headers[name],
      setHeader: (name, value) => ((headers[name] = value), res),
      send: answer,
      json: answer,
      end: answer,
    };
    handler(req, res, options).catch(reject);
  });
}

function splitOnce(text, separator) {
  const at = text.indexOf(separator);
  return [text.slice(0, at), decodeURIComponent(text.slice(at + 1))];
}
