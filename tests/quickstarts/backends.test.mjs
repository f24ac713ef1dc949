// The backends of the quickstarts: every vector, roles and scopes, an outage of Doorward, and new keys.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { startDoorward } from '../clients/node/doorward.mjs';
import { freePort, runBlock, startBlock } from './readme.mjs';

const vectors = JSON.parse(await readFile(new URL('../../docs/verifying-tokens/vectors.json', import.meta.url)));

const BACKENDS = [
  { name: 'Express', quickstart: 'node-backend', block: 0 },
  { name: 'Fastify', quickstart: 'node-backend', block: 1 },
  { name: 'actix-web', quickstart: 'rust-backend', block: 0 },
  { name: 'axum', quickstart: 'rust-backend', block: 1 },
];

/** The keys of the vectors, served below any issuer. */
async function serveKeys() {
  const server = createServer((request, response) => response.setHeader('content-type', 'application/json').end(JSON.stringify(vectors.jwks)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${server.address().port}`, stop: () => server.close() };
}

describe('The verifier of node-backend', () => {
  it('accepts every good vector and refuses every bad one', async () => {
    await prepare('node-backend');
    const { createVerifier, keysOf, Refused } = await import('../../docs/quickstarts/node-backend/verify.mjs');
    const server = await serveKeys();
    const { issuer, audience } = vectors;
    const verify = createVerifier({ issuer, audience, keys: keysOf(server.url) });
    for (const { what, valid, token } of vectors.vectors) {
      const verdict = verify(`Bearer ${token}`);
      if (valid) assert.equal((await verdict).iss, issuer, what);
      else await assert.rejects(verdict, error => error instanceof Refused && error.status === 401, what);
    }
    server.stop();
  });
});

describe('The verifier of rust-backend', () => {
  it('accepts every good vector and refuses every bad one', async () => {
    assert.match(await runBlock('rust-backend', { block: 2 }), /test result: ok\. 2 passed; 0 failed; 0 ignored/);
  });
});

/** Its packages, which importing a part of it needs. */
async function prepare(quickstart) {
  const port = await freePort();
  const app = await startBlock(quickstart, `http://127.0.0.1:${port}/me`, { env: { PORT: String(port) } });
  await app.stop();
}

for (const { name, quickstart, block } of BACKENDS) {
  describe(`A backend with ${name}`, () => {
    let doorward, app, url, tokens;

    const get = (path, token) => fetch(url + path, { headers: token ? { authorization: `Bearer ${token}` } : {} });
    const login = async ({ email, password }) => {
      const basic = Buffer.from(`${doorward.app.client_id}:${doorward.app.client_secret}`).toString('base64');
      const answer = await fetch(`${doorward.tenant.issuer}/v1/auth/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Basic ${basic}` },
        body: JSON.stringify({ email, password }),
      });
      assert.equal(answer.status, 200);
      return (await answer.json()).access_token;
    };

    before(async () => {
      doorward = await startDoorward('sqlite');
      const member = { email: 'member@acme.example', password: 'a password of a member', name: 'Member' };
      await doorward.createUser(doorward.tenant.slug, member);
      tokens = { admin: await login(doorward.user), member: await login(member) };
      const port = await freePort();
      url = `http://127.0.0.1:${port}`;
      const env = { DOORWARD_ISSUER: doorward.tenant.issuer, PORT: String(port) };
      app = await startBlock(quickstart, `${url}/me`, { block, env });
    });

    after(async () => {
      await app?.stop();
      await doorward?.stop();
    });

    it('answers the user of a token, and 401 without one', async () => {
      const answer = await get('/me', tokens.admin);
      assert.equal(answer.status, 200);
      assert.equal((await answer.json()).role, 'ADMIN');
      const refused = await get('/me');
      assert.equal(refused.status, 401);
      assert.equal(refused.headers.get('www-authenticate'), 'Bearer');
    });

    it('says that a token is bad', async () => {
      const refused = await get('/me', `${tokens.admin.slice(0, -6)}AAAAAA`);
      assert.equal(refused.status, 401);
      assert.match(refused.headers.get('www-authenticate'), /^Bearer error="invalid_token"/);
    });

    it('lets the role ADMIN in, and nobody else', async () => {
      assert.equal((await get('/admin', tokens.admin)).status, 200);
      const refused = await get('/admin', tokens.member);
      assert.equal(refused.status, 403);
      assert.match(refused.headers.get('www-authenticate'), /insufficient_scope/);
    });

    it('asks for the scope', async () => {
      const machine = await machineToken(doorward);
      assert.equal((await get('/me', machine)).status, 200);
      const refused = await get('/profile', machine);
      assert.equal(refused.status, 403);
      assert.match(refused.headers.get('www-authenticate'), /scope="profile"/);
    });

    it('is called by machines with tokens of their own, in Node and in Rust', async () => {
      const { id, client_id = id, client_secret } = await doorward.createApp(doorward.tenant.slug, 'service');
      await doorward.honoursChanges();
      const env = {
        DOORWARD_ISSUER: doorward.tenant.issuer,
        DOORWARD_ID: client_id,
        DOORWARD_SECRET: client_secret,
        BACKEND: `${url}/me`,
      };
      for (const block of [0, 1]) {
        const printed = await runBlock('machine-to-machine', { block, env });
        assert.match(printed, new RegExp(`^200 .*"sub":"${client_id}"`, 'm'));
      }
    });

    it('goes on while Doorward is away, and follows its new keys when it is back', async () => {
      await doorward.kill();
      assert.equal((await get('/me', tokens.member)).status, 200);
      await doorward.restart();
      const rotated = await doorward.command(['key', 'rotate', '--now', '--tenant', doorward.tenant.slug]);
      assert.equal(rotated.code, 0, rotated.stderr);
      await doorward.honoursChanges();
      const token = await login(doorward.user);
      let status;
      // Keys are not fetched again at once: that is what keeps strangers from making a backend fetch.
      for (let attempt = 0; attempt < 120 && status !== 200; attempt += 1) {
        ({ status } = await get('/me', token));
        if (status !== 200) await sleep(500);
      }
      assert.equal(status, 200);
      assert.equal((await get('/me', tokens.admin)).status, 200, 'those of the old keys are good until they expire');
    });
  });
}

async function machineToken(doorward) {
  const app = await doorward.createApp(doorward.tenant.slug, 'service');
  await doorward.honoursChanges();
  const answer = await fetch(`${doorward.tenant.issuer}/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'client_credentials', client_id: app.client_id ?? app.id, client_secret: app.client_secret }),
  });
  assert.equal(answer.status, 200);
  return (await answer.json()).access_token;
}
