// Google's and GitHub's buttons in headless Chromium: from an app to the provider and back, then linking and
// unlinking. The providers are real servers on loopback. Screenshots are kept in target/screenshots.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, describe, it } from 'node:test';

import { startDoorward } from '../clients/node/doorward.mjs';
import { clientSecretBasic, authorizationRequest, discover } from '../clients/node/relying-party.mjs';
import { CLIENT as GITHUB_CLIENT, startGitHub } from '../clients/node/upstream-github.mjs';
import { CLIENT, startOidcUpstream } from '../clients/node/upstream-oidc.mjs';
import * as screens from './screens.mjs';
import { SCREENS, assertAccessible, assertNoSidewaysScroll } from './screens.mjs';

const googlers = {};
const hubbers = {};
let google, company, github, doorward, chrome, app, web;

before(async () => {
  google = await startOidcUpstream(googlers);
  company = await startOidcUpstream(googlers);
  github = await startGitHub(hubbers);
  doorward = await startDoorward('sqlite', {
    DOORWARD_UPSTREAM_ALLOW: [google, company, github].map(({ target }) => target).join(','),
    DOORWARD_UPSTREAM_GOOGLE_ISSUER: google.issuer,
    DOORWARD_UPSTREAM_GITHUB_URL: github.url,
    DOORWARD_UPSTREAM_GITHUB_API_URL: github.url,
  });
  const provide = async (secret, ...flags) => {
    const { code, stdout, stderr } = await doorward.setProvider('acme', secret, ...flags, '--client-secret-stdin', '--json');
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout).redirect_uri;
  };
  google.register(await provide(CLIENT.client_secret, '--kind', 'google', '--client-id', CLIENT.client_id));
  await provide(GITHUB_CLIENT.secret, '--kind', 'github', '--client-id', GITHUB_CLIENT.id);
  const oidc = ['--kind', 'oidc', '--key', 'company', '--name', 'Example Works', '--issuer', company.issuer];
  company.register(await provide(CLIENT.client_secret, ...oidc, '--client-id', CLIENT.client_id));
  app = await startApp();
  chrome = await screens.startChrome();
});

after(async () => {
  await chrome?.close();
  for (const server of [app, google, company, github]) server?.stop();
  await doorward?.stop();
});

/** A web app that signs its users in with openid-client. */
async function startApp() {
  const server = createServer((request, response) => {
    answer(request).then(
      ([status, headers, body]) => response.writeHead(status, { 'content-type': 'text/html', ...headers }).end(body),
      error => response.writeHead(500).end(`${error.stack}`),
    );
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${server.address().port}`;
  web = await doorward.createApp('acme', 'web', '--redirect-uri', `${url}/callback`);
  await doorward.honoursChanges();
  const config = await discover(doorward.tenant.issuer, web.client_id, clientSecretBasic(web.client_secret));
  const begun = new Map();

  async function answer(request) {
    const asked = new URL(request.url, url);
    if (asked.pathname === '/callback') {
      const tokens = await begun.get(asked.searchParams.get('state')).redeem(asked);
      const { email, idp, amr } = tokens.claims();
      return [200, {}, `<h1>Welcome ${email}</h1><p>by ${idp ?? 'password'} (${amr})</p>`];
    }
    if (asked.pathname === '/login') {
      const attempt = await authorizationRequest(config, `${url}/callback`);
      begun.set(attempt.url.searchParams.get('state'), attempt);
      return [302, { location: attempt.url.href }];
    }
    return [200, {}, '<h1>The app</h1><a href="/login">Sign in</a>'];
  }

  return { url, stop: () => { server.closeAllConnections(); server.close(); } };
}

const onScreen = (options, visit) => screens.onScreen(chrome, options, visit);
const issuer = () => doorward.tenant.issuer;
const keep = (page, name) => screens.keep(page, `federation-${name}`);

async function assertGood(page) {
  await assertAccessible(page);
  await assertNoSidewaysScroll(page);
}

let count = 0;
function somebody(email) {
  const login = `person${++count}`;
  googlers[login] = { email: email ?? `${login}@new.example`, email_verified: true, name: 'Grace Hopper' };
  hubbers[login] = {
    id: count, name: 'Grace Hopper', avatar_url: 'https://img.example/o.png', email: null,
    emails: [{ email: email ?? `${login}@gh.example`, primary: true, verified: true }],
  };
  return login;
}

async function signInAtOidc(page, login) {
  await page.locator('[name=login]').fill(login);
  await page.locator('[name=password]').fill('any');
  await page.locator('[type=submit]').click();
  await page.locator('[name=prompt][value=consent]').waitFor({ state: 'attached' });
  await page.locator('[type=submit]').click();
}

async function signInAtGitHub(page, login) {
  await page.getByLabel('Username').fill(login);
  await page.getByRole('button', { name: 'Authorize' }).click();
}

async function signInByPassword(page) {
  await page.getByLabel('E-mail').fill(doorward.user.email);
  await page.getByLabel('Password', { exact: true }).fill(doorward.user.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

describe('a user of an app', () => {
  for (const javaScriptEnabled of [true, false]) {
    it(`signs in by Google ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, () =>
      onScreen({ javaScriptEnabled }, async page => {
        const login = somebody();
        await page.goto(app.url);
        await page.getByRole('link', { name: 'Sign in' }).click();
        await page.getByRole('link', { name: 'Continue with Google' }).click();
        await signInAtOidc(page, login);
        await page.getByRole('heading', { name: `Welcome ${login}@new.example` }).waitFor();
        assert.match(await page.textContent('p'), /by google \(fed\)/);
      }));
  }

  it('signs in by GitHub, finds the button marked, links Google, signs in by it, and unlinks it', () =>
    onScreen({}, async page => {
      const login = somebody();
      const other = somebody();
      await page.goto(`${app.url}/login`);
      await page.getByRole('link', { name: 'Continue with GitHub' }).click();
      await signInAtGitHub(page, login);
      await page.getByRole('heading', { name: `Welcome ${login}@gh.example` }).waitFor();

      await page.context().clearCookies({ name: 'doorward' });
      await page.goto(`${issuer()}/login`);
      assert.match(await page.getByRole('link', { name: 'GitHub' }).textContent(), /Last used/);
      await assertGood(page);
      await keep(page, 'last-used');

      await page.getByRole('link', { name: 'GitHub' }).click();
      await signInAtGitHub(page, login);
      await page.getByRole('link', { name: 'Sign in with other accounts of yours' }).click();
      await page.getByText('Your only way in').waitFor();
      await page.getByRole('button', { name: 'Link Google' }).click();
      await signInAtOidc(page, other);
      await page.getByText(`${other}@new.example`).waitFor();
      await assertGood(page);

      await page.context().clearCookies();
      await page.goto(`${app.url}/login`);
      await page.getByRole('link', { name: 'Continue with Google' }).click();
      await signInAtOidc(page, other);
      await page.getByRole('heading', { name: `Welcome ${login}@gh.example` }).waitFor();

      await page.goto(`${issuer()}/account/identities`);
      await page.getByRole('button', { name: 'Unlink Google' }).click();
      await page.getByRole('button', { name: 'Link Google' }).waitFor();
      assert.equal(await page.getByText(`${other}@new.example`).count(), 0);
    }));

  it('who has an account proves it once, and comes back to the app', () =>
    onScreen({}, async page => {
      const login = somebody(doorward.user.email);
      await page.goto(`${app.url}/login`);
      await page.getByRole('link', { name: 'Continue with Example Works' }).click();
      await signInAtOidc(page, login);
      await page.getByRole('heading', { name: 'You have an account already' }).waitFor();
      await page.getByLabel('Password', { exact: true }).fill(doorward.user.password);
      await page.getByRole('button', { name: 'Sign in and link Example Works' }).click();
      await page.getByRole('heading', { name: `Welcome ${doorward.user.email}` }).waitFor();
      assert.match(await page.textContent('p'), /\(pwd,fed\)/);
    }));
});

for (const screen of SCREENS) {
  it(`every page is good to look at on ${screen.name}`, () =>
    onScreen(screen, async page => {
      const refused = [];
      page.on('console', message => /Content Security Policy/.test(message.text()) && refused.push(message.text()));
      await page.goto(`${app.url}/login`);
      await page.getByRole('link', { name: 'Continue with Google' }).waitFor();
      await assertGood(page);
      await keep(page, `login-${screen.name}`);

      // A refusal, with a way on.
      await page.goto(`${issuer()}/federation/google/callback?state=unknown`);
      await assertGood(page);
      await keep(page, `expired-${screen.name}`);
      await page.goto(`${issuer()}/federation/github`);
      await page.getByRole('button', { name: 'Cancel' }).click();
      await page.getByRole('heading', { name: 'You cancelled' }).waitFor();
      await assertGood(page);
      await keep(page, `cancelled-${screen.name}`);

      // An account that is to be proved.
      await page.goto(`${issuer()}/federation/google`);
      await signInAtOidc(page, somebody(doorward.user.email));
      await page.getByRole('heading', { name: 'You have an account already' }).waitFor();
      await assertGood(page);
      await keep(page, `link-${screen.name}`);
      await page.getByLabel('Password', { exact: true }).fill('not the password');
      await page.getByRole('button', { name: 'Sign in and link Google' }).click();
      await page.getByRole('alert').waitFor();
      await assertGood(page);
      await keep(page, `link-wrong-${screen.name}`);

      // The list of linked accounts.
      await page.goto(`${issuer()}/login`);
      await signInByPassword(page);
      await page.goto(`${issuer()}/account/identities`);
      await assertGood(page);
      await page.getByRole('button', { name: 'Link GitHub' }).click();
      await signInAtGitHub(page, somebody());
      await page.getByRole('button', { name: 'Unlink GitHub' }).waitFor();
      await assertGood(page);
      await keep(page, `identities-${screen.name}`);
      await page.getByRole('button', { name: 'Unlink GitHub' }).click();
      await page.getByRole('button', { name: 'Link GitHub' }).waitFor();
      assert.deepEqual(refused, [], 'the browser refused nothing of our pages');
    }));
}
