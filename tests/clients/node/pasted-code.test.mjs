// The code that the console shows for pasting, taken from its pages as it stands and run against the server.
// What it shows in Rust is compiled and run by tests/api/rust_clients.rs.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

import { Auth } from '@auth/core';
import { decodeJwt } from 'jose';

import { Browser } from './browser.mjs';
import { startDoorward } from './doorward.mjs';
import { APP, appWith, pressSignIn, session } from './sign-in-button.mjs';

const run = promisify(execFile);
const unescaped = html =>
  html.replace(/&#(\d+);|&(lt|gt|quot|amp);/g, (_, code, name) =>
    code ? String.fromCodePoint(code) : { lt: '<', gt: '>', quot: '"', amp: '&' }[name],
  );

describe('The code to paste', () => {
  let doorward, console_, folder;

  before(async () => {
    doorward = await startDoorward('sqlite');
    console_ = new Browser(doorward.public_url);
    const home = await console_.signIn(doorward.console.url, doorward.console);
    assert.equal(home.status, 200);
    // Beside the packages, so that it finds them as the reader's would.
    folder = await mkdtemp(join(dirname(fileURLToPath(import.meta.url)), '.pasted-'));
  });

  after(async () => {
    await doorward?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  /** Makes an app as an admin does: what its page shows, by the names of files. */
  async function made(builds) {
    const form = await console_.open(`${doorward.public_url}/console/t/acme/apps/new`);
    const page = await console_.submit(form, { name: `Built with ${builds}`, builds });
    assert.equal(page.status, 200, page.text);
    const files = {};
    for (const [, name, code] of page.text.matchAll(/<pre[^>]* data-file="([^"]+)">([^]*?)<\/pre>/g)) {
      assert.ok(!(name in files) || name === 'Cargo.toml', `two files ${name}`);
      files[name] = unescaped(code);
    }
    const secret = /<code class="whole">([A-Za-z0-9]{43})<\/code>/.exec(page.text)?.[1];
    const open = [...page.text.matchAll(/<details class="ask" open><summary>([^<]*)/g)].map(([, summary]) => summary);
    const clientId = /\/apps\/(app[A-Za-z0-9]+)\/try"/.exec(page.text)[1];
    await doorward.honoursChanges();
    return { files, secret, open, clientId };
  }

  /** The module, once Node has parsed it. */
  async function pasted(name, code, { secret } = {}) {
    const path = join(folder, `${Math.random().toString(36).slice(2)}-${name}`);
    await writeFile(path, code);
    await run(process.execPath, ['--check', path]);
    process.env.DOORWARD_SECRET = secret ?? '';
    return import(pathToFileURL(path).href);
  }

  /** The user's access token is good in the eyes of the backend that is shown beside, and no other token is. */
  async function assertVerified(files, tokens, clientId) {
    const { verify } = await pasted('verify.mjs', files['verify.mjs']);
    const claims = await verify(tokens.access_token);
    assert.equal(claims.client_id, clientId);
    if (tokens.id_token) {
      assert.equal(claims.role, 'ADMIN');
      assert.equal(decodeJwt(tokens.id_token).role, 'ADMIN');
      await assert.rejects(verify(tokens.id_token), 'an ID token is for the frontend');
    }
    const [header, payload] = tokens.access_token.split('.');
    await assert.rejects(verify(`${header}.${payload}.AAAA`));
  }

  it('for Next.js signs in', async () => {
    const { files, secret, open, clientId } = await made('nextjs');
    assert.deepEqual(open, ['Next.js with Auth.js']);
    const lines = files['.env.local'].split('\n').filter(line => !line.startsWith('#'));
    const variables = Object.fromEntries(lines.map(line => line.split(/=(.*)/s).slice(0, 2)));
    assert.equal(variables.AUTH_DOORWARD_ID, clientId);
    assert.equal(variables.AUTH_DOORWARD_SECRET, secret);
    Object.assign(process.env, variables);
    // What Next.js makes of two names: the package, which for Auth.js v5 is this core, and the root of the app.
    const own = 'export default config => {\n' +
      '  const handle = request => globalThis.authJs(request, config);\n' +
      '  return { handlers: { GET: handle, POST: handle } };\n};\n';
    await writeFile(join(folder, 'next-auth.mjs'), own);
    const settled = code => code.replace("'next-auth'", "'./next-auth.mjs'").replace("'@/auth'", "'./auth.mjs'");
    await writeFile(join(folder, 'auth.mjs'), settled(files['auth.ts']));
    let account;
    globalThis.authJs = (request, config) =>
      Auth(request, {
        ...config,
        secret: 'a secret of the tests',
        trustHost: true,
        basePath: '/api/auth',
        callbacks: { jwt: ({ token, account: fresh }) => ((account = fresh ?? account), token) },
      });
    const { GET, POST } = await pasted('route.mjs', settled(files['app/api/auth/[...nextauth]/route.ts']));
    const browser = new Browser(doorward.public_url, appWith(request => (request.method === 'GET' ? GET : POST)(request)));
    const login = await pressSignIn(browser, '/api/auth/signin/doorward');
    const page = await browser.submit(login, { email: doorward.user.email, password: doorward.user.password });
    assert.equal(page.url.href, `${APP}/`);
    assert.equal((await session(browser)).user.email, doorward.user.email);
    assert.ok(account.refresh_token);
    await assertVerified(files, account, clientId);
  });

  it('for a server in Node signs in', async () => {
    const { files, secret, open, clientId } = await made('node');
    assert.deepEqual(open, ['A server in Node with openid-client']);
    const { begin, complete } = await pasted('sign-in.mjs', files['sign-in.mjs'], { secret });
    const { url, ...kept } = await begin();
    const { left } = await new Browser(doorward.public_url).signIn(url, doorward.user);
    const tokens = await complete(new URL(left.url), kept);
    assert.ok(tokens.refresh_token);
    await assertVerified(files, tokens, clientId);
    const other = await begin();
    await assert.rejects(complete(new URL(left.url), { ...kept, state: other.state }));
  });

  it('for Rust is whole, and shows Rust', async () => {
    const { files, open, clientId } = await made('rust');
    assert.deepEqual(open, ['A server in Rust with openidconnect']);
    assert.match(files['src/sign_in.rs'], new RegExp(`client_id: "${clientId}"`));
    assert.match(files['src/sign_in.rs'], /redirect_uri: "http:\/\/localhost:3000\/callback"/);
    assert.match(files['src/verify.rs'], new RegExp(`issuer: "${doorward.tenant.issuer}"`));
  });

  it('for a single-page app signs in', async () => {
    const { files, secret, clientId } = await made('spa');
    assert.equal(secret, undefined);
    const storage = new Map();
    const store = {
      getItem: key => storage.get(key) ?? null,
      setItem: (key, value) => storage.set(key, value),
      removeItem: key => storage.delete(key),
      key: index => [...storage.keys()][index],
      get length() {
        return storage.size;
      },
    };
    // As much of a window as a redirect takes.
    let visit, refused;
    const visited = new Promise((resolve, reject) => ([visit, refused] = [resolve, reject]));
    const location = { assign: visit, replace: visit, href: 'http://localhost:5173/', origin: 'http://localhost:5173' };
    const window = { location, localStorage: store, sessionStorage: store, addEventListener() {}, removeEventListener() {} };
    Object.assign(window, { self: window, top: window });
    Object.assign(globalThis, { window, localStorage: store, sessionStorage: store });
    try {
      const { manager } = await pasted('sign-in.mjs', files['sign-in.mjs']);
      manager.signinRedirect().catch(refused);
      const { left } = await new Browser(doorward.public_url).signIn(await visited, doorward.user);
      const tokens = await manager.signinRedirectCallback(left.url);
      assert.equal(tokens.profile.email, doorward.user.email);
      assert.ok(tokens.refresh_token);
      // Its timers, which wait for the token to expire.
      manager.stopSilentRenew();
      await manager.removeUser();
      await assertVerified(files, tokens, clientId);
    } finally {
      for (const name of ['window', 'localStorage', 'sessionStorage']) delete globalThis[name];
    }
  });

  it('for a native app signs in at a port of its own', async () => {
    const { files, secret, clientId } = await made('native');
    assert.equal(secret, undefined);
    const { signIn } = await pasted('sign-in.mjs', files['sign-in.mjs']);
    const tokens = await signIn(async url => {
      const { left } = await new Browser(doorward.public_url).signIn(url, doorward.user);
      assert.match(await (await fetch(left.url)).text(), /close this page/);
    });
    assert.ok(tokens.refresh_token);
    await assertVerified(files, tokens, clientId);
  });

  it('for a machine gets a token of its own, in Node and with curl', async () => {
    const { files, secret, clientId } = await made('service');
    const { fetchToken } = await pasted('token.mjs', files['token.mjs'], { secret });
    const { token, expiresIn } = await fetchToken();
    assert.equal(expiresIn, 900);
    await assertVerified(files, { access_token: token }, clientId);
    const { stdout } = await run('sh', ['-c', `${files['token.sh']} --silent`]);
    await assertVerified(files, JSON.parse(stdout), clientId);
  });
});
