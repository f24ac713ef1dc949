// Backends that verify access tokens by themselves with the tenant's JWKS: one with jose, one
// with express-oauth2-jwt-bearer in its strict RFC 9068 mode.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';

import express from 'express';
import { auth } from 'express-oauth2-jwt-bearer';
import { calculateJwkThumbprint, createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { ClientSecretBasic } from 'openid-client';

import { Browser } from './browser.mjs';
import { DATABASES, startDoorward } from './doorward.mjs';
import { getJson, postJson } from './json-request.mjs';
import { discover, signIn } from './relying-party.mjs';

const READER = { email: 'reader@example.com', password: 'plum-otter-cabinet-7-violin', name: 'A Reader' };
const STRANGER = { email: 'stranger@example.com', password: 'plum-otter-cabinet-8-violin', name: 'A Stranger' };

/** Each puts the verified claims into `req.claims`, and answers 401 for what does not verify. */
const VERIFIERS = {
  jose(issuer) {
    const jwks = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`));
    const expected = { issuer, audience: issuer, typ: 'at+jwt', algorithms: ['ES256'] };
    return async (req, res, next) => {
      const token = req.get('authorization')?.replace(/^Bearer /, '') ?? '';
      try {
        req.claims = (await jwtVerify(token, jwks, expected)).payload;
      } catch {
        return res.sendStatus(401);
      }
      next();
    };
  },

  'express-oauth2-jwt-bearer'(issuer) {
    const verify = auth({ issuerBaseURL: issuer, audience: issuer, strict: true, tokenSigningAlg: 'ES256' });
    const keepClaims = (req, res, next) => {
      req.claims = req.auth.payload;
      next();
    };
    return [verify, keepClaims];
  },
};

for (const database of DATABASES) {
  describe(`backends with ${database}`, () => {
    let doorward, issuer, tokens;

    before(async () => {
      doorward = await startDoorward(database);
      issuer = doorward.tenant.issuer;
      const { user, app } = doorward;

      await doorward.createUser('acme', READER);
      await doorward.createTenant('other');
      const registration = ['--redirect-uri', 'http://localhost:3000/callback', '--direct-login', '--default'];
      await doorward.createApp('other', 'web', ...registration);
      await doorward.createUser('other', STRANGER);
      await doorward.honoursChanges();

      const web = await discover(issuer, app.client_id, ClientSecretBasic(app.client_secret));
      const signedIn = await signIn(new Browser(doorward.public_url), web, app.redirect_uris[0], user);
      tokens = {
        admin: signedIn.access_token,
        idToken: signedIn.id_token,
        directAdmin: await accessToken(issuer, user),
        reader: await accessToken(issuer, READER),
        stranger: await accessToken(`${doorward.public_url}/t/other`, STRANGER),
      };
    });

    after(() => doorward?.stop());

    for (const [name, verifier] of Object.entries(VERIFIERS)) {
      describe(`a backend with ${name}`, () => {
        let server;

        before(async () => {
          server = backend(verifier(issuer)).listen(0, '127.0.0.1');
          await once(server, 'listening');
        });

        after(() => server?.close());

        async function statusFor(token) {
          const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
          const { status } = await fetch(`http://127.0.0.1:${server.address().port}/admin`, { headers });
          return status;
        }

        it('lets an admin in who signed in through the hosted login', async () => {
          assert.equal(await statusFor(tokens.admin), 200);
        });

        it('lets an admin in who signed in through the JSON API', async () => {
          assert.equal(await statusFor(tokens.directAdmin), 200);
        });

        it('forbids a user who has not the role', async () => {
          assert.equal(await statusFor(tokens.reader), 403);
        });

        it('does not take an ID token for an access token', async () => {
          assert.equal(await statusFor(tokens.idToken), 401);
        });

        it('does not know the users of another tenant', async () => {
          assert.equal(await statusFor(tokens.stranger), 401);
        });

        it('sees that a token was tampered with', async () => {
          const [header, payload, signature] = tokens.reader.split('.');
          const claims = JSON.parse(Buffer.from(payload, 'base64url'));
          const promoted = Buffer.from(JSON.stringify({ ...claims, role: 'ADMIN' })).toString('base64url');
          assert.equal(await statusFor(`${header}.${promoted}.${signature}`), 401);
        });

        it('asks for a token where there is none', async () => {
          assert.equal(await statusFor(undefined), 401);
        });
      });
    }

    describe('the JWKS', () => {
      const fetchJwks = headers => getJson(`${issuer}/.well-known/jwks.json`, headers);

      it('names each key by its RFC 7638 thumbprint, and holds no private part', async () => {
        const { body } = await fetchJwks();
        for (const key of body.keys) {
          assert.equal(key.kid, await calculateJwkThumbprint(key));
          assert.equal(key.use, 'sig');
          assert.ok(['RS256', 'ES256', 'EdDSA'].includes(key.alg));
          assert.equal(key.d, undefined);
        }
        const kids = body.keys.map(key => key.kid);
        for (const token of [tokens.admin, tokens.idToken]) assert.ok(kids.includes(decodeProtectedHeader(token).kid));
      });

      it('may be cached for five minutes, and revalidated by its ETag', async () => {
        const { status, headers } = await fetchJwks();
        assert.equal(status, 200);
        assert.equal(headers.get('cache-control'), 'public, max-age=300');
        const etag = headers.get('etag');
        assert.match(etag, /^(W\/)?".+"$/);
        // Without `max-age=0`, Node's fetch would add `no-cache`, and ask for all of it again.
        const revalidated = await fetchJwks({ 'if-none-match': etag, 'cache-control': 'max-age=0' });
        assert.equal(revalidated.status, 304);
      });

      it('shares no key with another tenant', async () => {
        const other = await getJson(`${doorward.public_url}/t/other/.well-known/jwks.json`);
        const { body } = await fetchJwks();
        const kids = new Set(body.keys.map(key => key.kid));
        assert.ok(other.body.keys.length > 0);
        for (const { kid } of other.body.keys) assert.ok(!kids.has(kid));
      });
    });
  });
}

function backend(verify) {
  const app = express();
  app.get('/admin', verify, (req, res) => res.sendStatus(req.claims.role === 'ADMIN' ? 200 : 403));
  // Express would print the stack of every refused token.
  app.use((error, req, res, _next) => res.sendStatus(error.status ?? 500));
  return app;
}

async function accessToken(issuer, { email, password }) {
  const { status, body } = await postJson(`${issuer}/v1/auth/login`, { email, password });
  assert.equal(status, 200);
  return body.access_token;
}
