// Two `serve` processes that share a PostgreSQL, and nothing else, behave as one.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';

import { Browser } from './browser.mjs';
import { createDatabase, required } from './doorward.mjs';
import { getJson, postJson } from './json-request.mjs';

const USER = { email: 'ada@example.com', password: 'correct horse battery 42' };
const CALLBACK = 'https://shop.example/callback';

describe('two replicas on one PostgreSQL', () => {
  const binary = required('DOORWARD_BIN', 'the path of the doorward binary to test');
  let drop, dataDir, env, app, replicas;

  before(async () => {
    const database = await createDatabase.postgres();
    drop = database.drop;
    dataDir = await mkdtemp(join(tmpdir(), 'doorward-'));
    const ports = await Promise.all([freePort(), freePort()]);
    env = {
      ...process.env,
      DATABASE_URL: database.url,
      DOORWARD_DATA_DIR: dataDir,
      DOORWARD_PUBLIC_URL: `http://localhost:${ports[0]}`,
      DOORWARD_MASTER_KEY: randomBytes(32).toString('base64'),
    };
    await command(['migrate']);
    await command(['tenant', 'create', '--slug', 'shop', '--name', 'Shop']);
    await command(['role', 'create', '--tenant', 'shop', '--key', 'ADMIN']);
    const flags = ['--tenant', 'shop', '--name', 'Web', '--kind', 'web', '--redirect-uri', CALLBACK, '--direct-login', '--default'];
    app = JSON.parse(await command(['app', 'create', ...flags, '--json']));
    await createUser(USER);
    replicas = await Promise.all(ports.map(start));
  });

  after(async () => {
    for (const { process } of replicas ?? []) {
      process.kill('SIGTERM');
      assert.deepEqual(await once(process, 'exit'), [0, null]);
    }
    await rm(dataDir, { recursive: true, force: true });
    await drop();
  });

  async function start(port) {
    const process = spawn(binary, ['serve'], { env: { ...env, DOORWARD_LISTEN: `127.0.0.1:${port}`, DOORWARD_LOG: 'error' } });
    const url = `http://localhost:${port}`;
    while ((await getJson(`${url}/readyz`).catch(() => null))?.status !== 200) {
      assert.equal(process.exitCode, null, 'the server has stopped');
      await sleep(20);
    }
    return { process, url, issuer: `${url}/t/shop` };
  }

  async function command(args, stdin = '') {
    return new Promise((resolve, reject) => {
      const child = execFile(binary, args, { env }, (error, stdout, stderr) => (error ? reject(new Error(stderr)) : resolve(stdout)));
      child.stdin.end(stdin);
    });
  }

  const createUser = ({ email, password }) =>
    command(['user', 'create', '--tenant', 'shop', '--email', email, '--role', 'ADMIN', '--verified', '--password-stdin'], password);

  const asApp = () => ({ authorization: `Basic ${btoa(`${app.client_id}:${app.client_secret}`)}` });
  const login = (replica, user = USER) => postJson(`${replica.issuer}/v1/auth/login`, user, asApp());
  const refresh = (replica, refresh_token) => postJson(`${replica.issuer}/v1/auth/refresh`, { refresh_token }, asApp());
  const honoured = () => sleep(2_100);

  it('make one generation of twenty refreshes at once', async () => {
    let token = (await login(replicas[0])).body.refresh_token;
    const older = [];
    for (let round = 0; round < 10; round += 1) {
      const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => refresh(replicas[index % 2], token)));
      const successors = new Set(answers.map(({ status, body }) => `${status} ${body.refresh_token}`));
      assert.equal(successors.size, 1, [...successors].join('\n'));
      assert.equal(answers[0].status, 200);
      older.push(token);
      token = answers[0].body.refresh_token;
    }
    assert.equal((await refresh(replicas[1], older.at(-2))).status, 401, 'a token two generations old');
    assert.equal((await refresh(replicas[0], token)).status, 401, 'ended the family everywhere');
  });

  /** An authorization request, answered with the session of `browser`. */
  async function code(browser, replica) {
    const query = new URLSearchParams({
      client_id: app.client_id, redirect_uri: CALLBACK, response_type: 'code', scope: 'openid', state: 's',
    });
    const page = await browser.open(`${replica.issuer}/oauth2/authorize?${query}`);
    return page.left ? new URL(page.left.url).searchParams.get('code') : browser.submit(page, USER).then(left);
  }
  const left = page => new URL(page.left.url).searchParams.get('code');

  const redeem = (replica, code) =>
    fetch(`${replica.issuer}/oauth2/token`, {
      method: 'POST',
      headers: asApp(),
      body: new URLSearchParams({ grant_type: 'authorization_code', code, redirect_uri: CALLBACK }),
    });

  it('count guesses together', async () => {
    const victim = { email: 'eve@example.com', password: 'plum otter cabinet violin 7' };
    await createUser(victim);
    const guess = index => login(replicas[index % 2], { ...victim, password: `wrong ${index}` });
    const answers = await Promise.all(Array.from({ length: 80 }, (_, index) => guess(index)));
    const count = wanted => answers.filter(({ status }) => status === wanted).length;
    // Some may be told that there is too much to hash; those have not tried.
    assert.ok(count(401) <= 60, `${count(401)} guesses were looked at`);
    assert.equal(count(401) + count(429) + count(503), 80);
    let more = 0;
    while ((await guess(more)).status !== 429) assert.ok((more += 1) <= 60 - count(401), 'the limit is that of one server');
    assert.equal((await login(replicas[1], victim)).status, 429);
    assert.equal((await login(replicas[0])).status, 200, 'other accounts go on');
  });

  it('spend a code once, whichever is asked', async () => {
    const browser = new Browser(replicas[0].url);
    for (let round = 0; round < 10; round += 1) {
      const spent = await code(browser, replicas[0]);
      const answers = await Promise.all(Array.from({ length: 6 }, (_, index) => redeem(replicas[index % 2], spent)));
      const statuses = answers.map(({ status }) => status).sort();
      assert.ok(statuses.filter(status => status === 200).length <= 1, statuses.join(' '));
      assert.ok(statuses.every(status => status === 200 || status === 400), statuses.join(' '));
    }
  });

  it('know a browser that signed in at the other, and that it signed out', async () => {
    const page = await fetch(`${replicas[0].issuer}/login`);
    const csrf = /name="csrf" value="([^"]+)"/.exec(await page.text())[1];
    const signIn = await fetch(`${replicas[0].issuer}/login`, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie: cookie(page), origin: 'null', 'sec-fetch-site': 'same-origin' },
      body: new URLSearchParams({ csrf, ...USER }),
    });
    const account = replica => fetch(`${replica.issuer}/account`, { redirect: 'manual', headers: { cookie: cookie(signIn) } });
    assert.equal((await account(replicas[1])).status, 200);
    const form = /name="csrf" value="([^"]+)"/.exec(await (await account(replicas[1])).text())[1];
    await fetch(`${replicas[1].issuer}/oauth2/logout`, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie: cookie(signIn), origin: 'null', 'sec-fetch-site': 'same-origin' },
      body: new URLSearchParams({ csrf: form, choice: 'logout' }),
    });
    assert.equal((await account(replicas[0])).status, 303, 'sent to the login page');
  });
  const cookie = response => response.headers.getSetCookie().find(set => set.startsWith('doorward=')).split(';')[0];

  it('sign with new keys within two seconds of `key rotate --now`, and verifiers follow', async () => {
    const keys = createRemoteJWKSet(new URL(`${replicas[1].issuer}/.well-known/jwks.json`), { cooldownDuration: 0 });
    const issuer = replicas[0].issuer;
    const verified = async replica => {
      const { token } = (await login(replica)).body;
      await jwtVerify(token, keys, { issuer, audience: issuer });
      return decodeProtectedHeader(token).kid;
    };
    const old = await verified(replicas[0]);
    assert.equal(await verified(replicas[1]), old);
    await command(['key', 'rotate', '--tenant', 'shop', '--now']);
    await honoured();
    const renewed = await Promise.all(replicas.map(verified));
    assert.notEqual(renewed[0], old);
    assert.equal(renewed[1], renewed[0]);
  });

  it('let go of a withdrawn key, and refuse what it has signed', async () => {
    const { token } = (await login(replicas[0])).body;
    const { kid } = decodeProtectedHeader(token);
    const published = async replica => (await getJson(`${replica.issuer}/.well-known/jwks.json`)).body.keys.map(key => key.kid);
    const me = async replica => (await getJson(`${replica.issuer}/v1/auth/me`, { authorization: `Bearer ${token}` })).status;
    const userinfo = async replica => (await getJson(`${replica.issuer}/oauth2/userinfo`, { authorization: `Bearer ${token}` })).status;
    await assert.rejects(command(['key', 'withdraw', '--tenant', 'shop', '--kid', kid]), /this key signs/);
    await command(['key', 'rotate', '--tenant', 'shop', '--now']);
    await honoured();
    for (const replica of replicas) {
      assert.ok((await published(replica)).includes(kid), 'a retired key verifies on');
      assert.equal(await me(replica), 200);
    }
    await command(['key', 'withdraw', '--tenant', 'shop', '--kid', kid]);
    await honoured();
    for (const replica of replicas) {
      assert.ok(!(await published(replica)).includes(kid));
      assert.deepEqual([await me(replica), await userinfo(replica)], [401, 401]);
      const keys = createRemoteJWKSet(new URL(`${replica.issuer}/.well-known/jwks.json`));
      await assert.rejects(jwtVerify(token, keys), { code: 'ERR_JWKS_NO_MATCHING_KEY' });
      assert.equal((await login(replica)).status, 200);
    }
  });

  it('refuse a disabled user, both', async () => {
    const user = { email: 'bob@example.com', password: USER.password };
    await createUser(user);
    const tokens = await Promise.all(replicas.map(replica => login(replica, user)));
    await command(['user', 'disable', '--tenant', 'shop', '--email', user.email]);
    await honoured();
    for (const [index, { body }] of tokens.entries()) {
      assert.equal((await refresh(replicas[1 - index], body.refresh_token)).status, 401);
      assert.equal((await login(replicas[index], user)).status, 401);
    }
  });
});

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}
